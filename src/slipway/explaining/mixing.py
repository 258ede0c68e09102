"""The background that a row is compared with, and rows that are mixed of both."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.bundle.contract import Contract, Probe
from slipway.bundle.engines.preparation import FittedPreparation, Matrix, Preparer
from slipway.explaining.players import of_block

MOST_ROWS = 64
MANY_LEAVES, FEW_ROWS = 20_000, 16  # each background row is work for each leaf of a forest
MOST_JOINT = 6  # columns that are mixed with one another: 64 mixes
Row = Mapping[str, Any]


class TooManyJointError(Exception):
    """Derived columns are made of so many columns that not every mix of them can be looked at."""


def refuse_many(joint: Collection[int]) -> None:
    """Raise TooManyJointError if there are too many mixes of the joint columns."""
    if len(joint) > MOST_JOINT:
        raise TooManyJointError(f"{len(joint)} columns are joint; expected at most {MOST_JOINT}.")


@dataclass(frozen=True, slots=True)
class Background:
    """Held-out rows by column, in the order of the contract."""

    columns: Mapping[str, Sequence[Any]]

    @classmethod
    def of(cls, probe: Probe, contract: Contract) -> Background:
        """Return the probe's rows; at most 64, evenly spread over the answers as the probe itself is."""
        columns = {column.name: [row[at] for row in probe.rows] for at, column in enumerate(contract.columns)}
        return cls(columns).at_most(MOST_ROWS)

    def for_leaves(self, leaves: int) -> Background:
        """Return the rows to compare with for trees of so many leaves: fewer for very many, so that an answer takes no longer."""
        return self.at_most(FEW_ROWS) if leaves > MANY_LEAVES else self

    def at_most(self, most: int) -> Background:
        """Return these rows; if there are more than `most`, as many of them, evenly spread."""
        if (rows := len(self)) <= most:
            return self
        chosen = [(2 * place + 1) * rows // (2 * most) for place in range(most)]
        return Background({name: [cells[place] for place in chosen] for name, cells in self.columns.items()})

    @property
    def names(self) -> list[str]:
        return list(self.columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def rows(self) -> Iterator[Row]:
        """Yield each row."""
        for cells in zip(*self.columns.values(), strict=True):
            yield dict(zip(self.columns, cells, strict=True))

    def places(self, sources: Iterable[Iterable[str]]) -> list[tuple[int, ...]]:
        """Return names of columns as their places in the contract, in order."""
        places = {name: place for place, name in enumerate(self.columns)}
        return [tuple(sorted(places[name] for name in names)) for names in sources]

    def mixed(self, row: Row, joint: Sequence[int]) -> dict[str, list[Any]]:
        """Return the background once for each mix of the joint columns: bit i of a mix says that joint column i is the row's.

        A row for each mix and background row, by column.
        """
        mixes, names = range(1 << len(joint)), self.names
        columns = {name: list(cells) * len(mixes) for name, cells in self.columns.items()}
        for bit, place in enumerate(joint):
            own, theirs = [row[names[place]]] * len(self), self.columns[names[place]]
            columns[names[place]] = [cell for mix in mixes for cell in (own if mix >> bit & 1 else theirs)]
        return columns


@dataclass(frozen=True, slots=True)
class DerivedColumn:
    """A column of a `preparer` of its block only, which reads the columns of `background`. It is made of those at `places` there."""

    preparer: Preparer
    column: int
    background: Background
    places: tuple[int, ...]

    @classmethod
    def of(cls, preparation: FittedPreparation, feature: int, background: Background) -> DerivedColumn:
        """Return column `feature` of a preparation."""
        for block in preparation.blocks:
            if feature < block.width:
                break
            feature -= block.width
        columns = {name: cells for name, cells in background.columns.items() if name in block.columns}
        made_of = of_block(block)[feature]
        places = tuple(place for place, name in enumerate(columns) if name in made_of)
        return cls(Preparer(FittedPreparation((block,))), feature, Background(columns), places)

    def mixed(self, row: Row) -> Matrix:
        """Return the (mixes, rows) cells, as `Background.mixed` numbers the mixes."""
        matrix = self.preparer.matrix(self.background.mixed(row, self.places))
        cells: Matrix = matrix[:, self.column].reshape(1 << len(self.places), -1)
        return cells
