"""Which background rows keep the conditions about a derived column, for many leaves at once. A set of at most 64 rows is one word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slipway.explaining.nodes import Whole
from slipway.explaining.paths import Conditions

Sets = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Bands:
    """The conditions about one column of the matrix: all their `ends` in order, and where the `low` and the `high` of each leaf are there.

    A leaf without such a condition is open to every row. `joint` are the columns of the contract that it is made of, as bits of a mix.
    """

    feature: int
    joint: int
    ends: npt.NDArray[np.floating]
    low: Whole
    high: Whole
    missing: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, conditions: Conditions, feature: int, joint: int, leaves: int) -> Bands:
        """Return the bands of one column for leaves numbered from 0."""
        own = conditions.take(conditions.feature == feature)
        ends = np.unique(np.concatenate([own.low[~np.isnan(own.low)], own.high, np.array([np.inf], dtype=own.high.dtype)]))
        low, high, missing = np.full(leaves, len(ends)), np.full(leaves, len(ends) - 1), np.ones(leaves, dtype=np.bool_)
        low[own.leaf] = np.where(np.isnan(own.low), len(ends), np.searchsorted(ends, own.low))
        high[own.leaf] = np.searchsorted(ends, own.high)
        missing[own.leaf] = own.missing
        return cls(feature, joint, ends, low, high, missing)

    def kept(self, cells: npt.NDArray[np.floating]) -> Sets:
        """Return for each leaf the set of rows whose cell, of (rows,), is inside."""
        bit = np.left_shift(np.uint64(1), np.arange(len(cells), dtype=np.uint64))
        gaps = np.isnan(cells)
        order = np.argsort(cells[~gaps], kind="stable")
        reached = np.searchsorted(self.ends, cells[~gaps][order])  # the first end that is not below
        sets = np.concatenate([np.zeros(1, dtype=np.uint64), np.bitwise_or.accumulate(bit[~gaps][order])])
        up_to = np.repeat(sets, np.diff(reached, prepend=0, append=len(self.ends)))
        up_to = np.append(up_to, np.uint64(0))
        found: Sets = up_to[self.high] & ~up_to[self.low]
        return found | (np.bitwise_or.reduce(bit[gaps]) * self.missing) if gaps.any() else found
