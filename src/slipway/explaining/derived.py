"""The cells of one derived column in all mixes of the columns that it is made of."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.bundle.engines.preparation import FittedPreparation, Matrix, Preparer
from slipway.explaining.mixing import Background, Row
from slipway.explaining.players import of_block


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
