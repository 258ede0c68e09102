"""Leaves whose ways ask about the same derived columns, and what they add to each column of the contract.

The columns that these derived columns are made of are `joint`: whether a way is open depends on all of them together, so each mix of them
is looked at. Every other column of a way is one bit of a pattern.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.explaining.bands import Bands, Sets
from slipway.explaining.nodes import Floats, Whole
from slipway.explaining.paths import Conditions
from slipway.explaining.patterns import Bits, Patterns, counted, spread
from slipway.explaining.weights import tables

Cells = npt.NDArray[np.floating]
EVERY = np.uint64(2**64 - 1)


class LeafGroup:
    """Leaves with their conditions, numbered from 0, and (leaves, outputs) values.

    Args:
        made_of: For each column of the matrix the places of the contract's columns that it is made of.
        joint: The places of the joint columns, in order.
        background: The (rows, width) matrix of the background.
        columns: How many columns the contract has.
    """

    def __init__(
        self, conditions: Conditions, value: Floats, made_of: Sequence[Sequence[int]], joint: Sequence[int], background: Cells, columns: int
    ) -> None:
        self._value, self.joint, self._columns, self._rows = value, tuple(joint), columns, len(background)
        single = np.array([places[0] for places in made_of])
        derived = np.array([len(places) > 1 for places in made_of])[conditions.feature]
        shared = ~derived & np.isin(single[conditions.feature], joint)
        own, shared_own, bands = conditions.take(~derived & ~shared), conditions.take(shared), conditions.take(derived)
        self._own = Patterns.of(own, single[own.feature], len(value), columns)
        self._shared = Patterns.of(shared_own, np.searchsorted(joint, single[shared_own.feature]), len(value), len(joint))
        features = np.unique(bands.feature).tolist()
        self._bands = [Bands.of(bands, feature, _bits(made_of[feature], self.joint), len(value)) for feature in features]
        self._weights = [table.ravel() for table in tables(columns)]
        self._pair(background)
        self._keep_shared(background)
        self.base = self._base(background)

    def _pair(self, background: Cells) -> None:
        """Find the patterns of the background for each leaf, and the set of rows that have each."""
        words = [np.stack(parts, axis=1) for parts in zip(*map(self._own.broken, background), strict=True)]
        bit = np.left_shift(np.uint64(1), np.arange(self._rows, dtype=np.uint64))
        if len(words) > 1:  # sorting several words costs more than it saves
            self._bits = [word.ravel() for word in words]
            self._sets = np.tile(bit, len(words[0]))
            begins = np.arange(words[0].size)
        else:
            order = np.argsort(words[0], axis=1, kind="stable")
            ordered = np.take_along_axis(words[0], order, axis=1)
            begins = np.flatnonzero(np.diff(ordered, axis=1, prepend=~ordered[:, :1]).ravel())
            self._bits = [ordered.ravel()[begins]]
            self._sets = np.bitwise_or.reduceat(bit[order.ravel()], begins)
        leaf = begins // self._rows
        self._each = np.bincount(leaf, minlength=len(self._value))
        self._leaf, self._from_row = leaf.astype(np.int32), counted(self._bits).astype(np.uint8 if self._columns < 256 else np.int32)

    def _keep_shared(self, background: Cells) -> None:
        """Find for each joint column the set of background rows that keep all its conditions, by leaf."""
        self._keeping = np.zeros((len(self.joint), len(self._value)), dtype=np.uint64)
        for row, cells in enumerate(background):
            (broken,) = self._shared.broken(cells)
            for place in range(len(self.joint)):
                kept = (broken >> broken.dtype.type(place)) & broken.dtype.type(1) == 0
                self._keeping[place] |= kept.astype(np.uint64) << np.uint64(row)

    def _base(self, background: Cells) -> Floats:
        no_pattern = np.all([word == 0 for word in self._bits], axis=0)
        sets = np.zeros(len(self._value), dtype=np.uint64)
        sets[self._leaf[no_pattern]] = self._sets[no_pattern]
        for keeping in self._keeping:
            sets &= keeping
        for band in self._bands:
            sets &= band.kept(background[:, band.feature])
        return total_of(np.bitwise_count(sets), self._value) / self._rows

    def margin(self, cells: Cells) -> Floats:
        """Return the (outputs,) sum of the values of the leaves that one row of the matrix reaches."""
        reached = np.all([word == 0 for word in (*self._own.broken(cells), *self._shared.broken(cells))], axis=0)
        for band in self._bands:
            reached &= band.kept(cells[band.feature][None]) == 1
        return total_of(reached, self._value)

    def explained(self, cells: Cells, mixed: Cells, weights: Floats) -> tuple[Floats, Floats]:
        """Return the margin of one row of the matrix, as `margin` does, and the (columns,) contributions to its sum with weights.

        Args:
            mixed: (mixes, rows, width): the matrix of the background in which the joint columns of each mix are the row's.
        """
        broken, total = self._own.broken(cells), np.zeros(self._columns)
        opened = self._opened(cells, mixed)
        reached = np.all([word == 0 for word in broken], axis=0) & (opened[-1] != 0)
        pairs, leaf, sets = self._met(broken, opened)
        size = self._columns + 1
        place = self._from_row[pairs].astype(np.intp) * size + counted(broken)[leaf]
        value = (np.einsum("lo,o->l", self._value, weights) / self._rows)[leaf]
        up, down = np.zeros((2, len(pairs)))
        for mix, rows in enumerate(opened):
            open_to = np.bitwise_count(sets & rows[leaf])
            some = np.flatnonzero(open_to != 0) if self.joint else slice(None)
            given = mix.bit_count()
            at, share = place[some] + (given * size + len(self.joint) - given), value[some] * open_to[some]
            risen, fallen = self._weights[0][at] * share, self._weights[1][at] * share
            up[some] += risen
            down[some] += fallen
            for bit, column in enumerate(self.joint):
                total[column] += risen.sum() if mix >> bit & 1 else -fallen.sum()
        total += total_of(up, spread([bits[pairs] for bits in self._bits], self._columns))
        lost = np.bincount(leaf, down, minlength=len(self._value))
        some = np.flatnonzero(lost)
        total -= total_of(lost[some], spread([word[some] for word in broken], self._columns))
        return total_of(reached, self._value), total

    def _met(self, broken: Sequence[Bits], opened: Sets) -> tuple[Whole, Whole, Sets]:
        """Return the patterns of which no column is broken by the row too, and their leaves and sets of background rows."""
        free = np.all([np.repeat(word, self._each) & bits == 0 for word, bits in zip(broken, self._bits, strict=True)], axis=0)
        pairs = np.flatnonzero(free)
        leaf, sets = self._leaf[pairs].astype(np.intp), self._sets[pairs]
        if not self.joint:
            return pairs, leaf, sets
        some = np.flatnonzero(np.bitwise_or.reduce(opened, axis=0)[leaf] & sets)
        return pairs[some], leaf[some], sets[some]

    def _opened(self, cells: Cells, mixed: Cells) -> Sets:
        """Return (mixes, leaves) sets of the background rows for which the joint columns keep the way open."""
        if not self.joint:
            return np.full((1, len(self._value)), EVERY)
        (broken,) = self._shared.broken(cells)
        found = np.empty((1 << len(self.joint), len(self._value)), dtype=np.uint64)
        known: dict[tuple[int, int], Sets] = {}  # several mixes have the same columns of a band
        for mix, rows in enumerate(found):
            rows[:] = EVERY
            for number, band in enumerate(self._bands):
                if (of := (number, mix & band.joint)) not in known:
                    known[of] = band.kept(mixed[mix][:, band.feature])
                rows &= known[of]
            for place, keeping in enumerate(self._keeping):
                if not mix >> place & 1:
                    rows &= keeping
            rows[(broken & broken.dtype.type(mix)) != 0] = 0
        return found


def _bits(places: Sequence[int], joint: Sequence[int]) -> int:
    """Return the joint columns at some places of the contract, as the bits of a mix."""
    return sum(1 << joint.index(place) for place in places)


def total_of(weights: npt.NDArray[Any], rows: npt.NDArray[Any]) -> Floats:
    """Return the sum of (n, columns) rows with (n,) weights. BLAS would use threads, which other callers need."""
    total: Floats = np.einsum("n,nc->c", weights.astype(np.float64), rows)
    return total
