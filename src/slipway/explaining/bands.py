"""Conditions of leaves about one column of the matrix, asked about one row, or about many at once.

The ends of all intervals are put in order once. A cell has a rank among them, and is inside an interval if its rank is: one comparison of
small whole numbers for each leaf.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slipway.explaining.nodes import Whole
from slipway.explaining.paths import Conditions

Cells = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]
Sets = npt.NDArray[np.unsignedinteger]  # of rows of the background: bit 0 is the first row
WORDS: tuple[type[np.unsignedinteger], ...] = (np.uint8, np.uint16, np.uint32, np.uint64)
SPARSE = 4  # a column that fewer than one leaf in four asks about keeps the numbers of these leaves


@dataclass(frozen=True, slots=True)
class Bands:
    """The conditions of the leaves `leaf` about column `feature`, in order of the leaves.

    A cell has the rank r if r of the `ends` are below it. It is inside if r is at least `start` and less than `start` + `width`; a missing
    one, if `missing`.
    """

    feature: int
    leaf: Whole | slice
    ends: Cells
    start: npt.NDArray[np.unsignedinteger]
    width: npt.NDArray[np.unsignedinteger]
    missing: Flags

    @classmethod
    def of(cls, conditions: Conditions, feature: int, leaves: int) -> Bands:
        """Return the bands of one column for leaves numbered from 0. Leaves that do not ask are left out, or are open to every cell."""
        own = conditions.take(conditions.feature == feature)
        ends = np.unique(np.concatenate([own.low[~np.isnan(own.low)], own.high]))
        kind = np.min_scalar_type(len(ends) + 1)
        first = np.where(np.isnan(own.low), 0, np.searchsorted(ends, own.low) + 1)
        width = np.maximum(np.searchsorted(ends, own.high) + 1 - first, 0)  # a way that only missing cells take may have no room for others
        if len(own.leaf) * SPARSE < leaves:
            return cls(feature, own.leaf, ends, first.astype(kind), width.astype(kind), own.missing)
        found = cls(feature, slice(None), ends, np.zeros(leaves, kind), np.full(leaves, len(ends) + 1, kind), np.ones(leaves, np.bool_))
        found.start[own.leaf], found.width[own.leaf], found.missing[own.leaf] = first, width, own.missing
        return found

    def broken(self, cell: np.floating) -> Flags:
        """Return for which leaves a cell is outside."""
        if np.isnan(cell):
            return ~self.missing
        rank = self.start.dtype.type(self.ends.searchsorted(cell))
        outside: Flags = rank - self.start >= self.width  # a rank below the start becomes a large number
        return outside

    def inside(self, cells: Cells) -> Sets:
        """Return (mixes, leaves) sets of the at most 64 rows whose cell, of (mixes, rows), is inside."""
        mixes, rows = cells.shape
        word = word_for(rows)
        bit: Sets = word(1) << np.arange(rows, dtype=word)
        gaps = np.isnan(cells)
        ranks = self.ends.searchsorted(cells) + gaps  # a missing cell has one more than any other
        order = ranks.argsort(axis=1)
        first = np.zeros((mixes, rows + 1), dtype=word)
        np.bitwise_or.accumulate(bit[order], axis=1, out=first[:, 1:])
        edges = np.zeros((mixes, rows + 2), dtype=np.intp)
        edges[:, 1:-1], edges[:, -1] = np.take_along_axis(ranks, order, axis=1) + 1, len(self.ends) + 2
        below = first.ravel().repeat((edges[:, 1:] - edges[:, :-1]).ravel()).reshape(mixes, -1)  # by rank: the rows whose rank is lower
        found: Sets = below.take(self.start + self.width, axis=1)
        found &= ~below.take(self.start, axis=1)
        if gaps.any():
            of_gaps = np.bitwise_or.reduce(np.where(gaps, bit, word(0)), axis=1, keepdims=True)
            found |= np.where(self.missing, of_gaps, word(0))
        return found


def word_for(bits: int) -> type[np.unsignedinteger]:
    """Return the smallest word that has so many bits, or the largest."""
    return next((word for word in WORDS if bits <= np.iinfo(word).bits), WORDS[-1])
