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
Sets = npt.NDArray[np.uint64]
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
        return rank - self.start >= self.width  # a rank below the start becomes a large number

    def inside(self, cells: Cells) -> Sets:
        """Return for each leaf the set of at most 64 rows whose cell, of (rows,), is inside."""
        bit, gaps, order = np.uint64(1) << np.arange(len(cells), dtype=np.uint64), np.isnan(cells), cells.argsort()
        order = order[: len(cells) - np.count_nonzero(gaps)]  # missing ones are the last
        first = np.zeros(len(order) + 1, dtype=np.uint64)
        np.bitwise_or.accumulate(bit[order], out=first[1:])
        edges = np.concatenate([[0], self.ends.searchsorted(cells[order]) + 1, [len(self.ends) + 2]])
        below = first.repeat(edges[1:] - edges[:-1])  # by rank: the rows whose rank is lower
        found: Sets = below.take(self.start + self.width) & ~below.take(self.start)
        return found | (np.bitwise_or.reduce(bit[gaps]) * self.missing) if gaps.any() else found
