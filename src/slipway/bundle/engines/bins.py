"""What a tree can distinguish: of each column the intervals between its thresholds, its categories, and a missing cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.tree_table import TreeTable

Cells = npt.NDArray[np.floating]
Whole = npt.NDArray[np.intp]

ZERO = float(np.float32(1e-35))  # what LightGBM takes for zero


@dataclass(frozen=True, slots=True)
class ColumnBins:
    """The bins of one column, from `first`; the last is of missing cells.

    A number that more than r of the increasing `ends` are not below is in bin r + 1. Of a column of categories, the `ends` are these, each
    with a bin of its own, and the bin after them is of all others.
    """

    feature: int
    ends: Cells
    first: int
    categories: bool
    zeros: bool

    @property
    def others(self) -> int:
        """The bin of the largest numbers, or of the other categories."""
        return self.first + len(self.ends)

    @property
    def missing(self) -> int:
        return self.others + 1


class Bins:
    """The bins of all columns that trees ask about, numbered together."""

    def __init__(self, trees: TreeTable) -> None:
        self._kind, self._others_missing = trees.threshold.dtype, trees.others_missing
        self._whole, self._flushes = trees.whole, trees.flushes
        inner = ~trees.leaf
        self.columns: list[ColumnBins] = []
        self.count = 0
        for feature in np.unique(trees.feature[inner]).tolist():
            own = np.flatnonzero(inner & (trees.feature == feature))
            categories = bool((trees.chosen[own] >= 0).any())
            ends = np.unique(np.concatenate([trees.set_of(node) for node in own]) if categories else trees.threshold[own])
            column = ColumnBins(feature, ends, self.count, categories, feature in trees.zeros)
            self.columns.append(column)
            self.count = column.missing + 1
        self._features = np.array([column.feature for column in self.columns], dtype=np.intp)

    def of(self, matrix: npt.NDArray[np.float64]) -> Whole:
        """Return the (n, asked columns) bins of the cells of an (n, width) matrix."""
        with np.errstate(over="ignore"):  # what is too large for float32 is infinite, for the library too
            cells = matrix[:, self._features].astype(self._kind, copy=False)
        found = np.empty(cells.shape, dtype=np.intp)
        missing = np.isnan(cells)
        if self._flushes:
            cells = np.where(np.abs(cells) <= ZERO, 0.0, cells)
        for place, column in enumerate(self.columns):
            own = cells[:, place]
            if column.zeros:
                missing[:, place] |= own == 0
            if column.categories:
                found[:, place] = column.first + self._places(own, column.ends)
                if self._others_missing:
                    missing[:, place] |= found[:, place] == column.others
            else:
                found[:, place] = column.first + column.ends.searchsorted(own)
        if missing.any():
            last = np.array([column.missing for column in self.columns])
            found = np.where(missing, last, found)
        return found

    def _places(self, cells: Cells, categories: Cells) -> Whole:
        asked = np.trunc(cells) if self._whole else cells
        if not len(categories):  # the sets are empty: only missing cells go to the left
            return np.zeros(len(cells), dtype=np.intp)
        places = np.minimum(categories.searchsorted(asked), len(categories) - 1)
        return np.where(categories[places] == asked, places, len(categories))
