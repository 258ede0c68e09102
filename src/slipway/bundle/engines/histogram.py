"""Histogram gradient boosting whose sums equal scikit-learn's bit by bit, also for rows with missing cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines import logistic
from slipway.bundle.engines.files import unpack
from slipway.bundle.engines.preparation import Preparer
from slipway.bundle.reading import Bundle

Matrix = npt.NDArray[np.float64]

LEAVES = 1 << 20  # found at once, that is rows times trees, so that memory is bounded
NAMES = ("first", "feature", "threshold", "missing_left", "left", "right", "value", "depth", "start", "exponential")


class HistogramEngine:
    """scikit-learn's HistGradientBoosting over a described preparation, in numpy and float64.

    All nodes of all trees are numbered together: tree t begins at node `first[t]`. A row goes to `left` if its cell of `feature` is at
    most `threshold`, or is missing and `missing_left`; a leaf leads to itself, so `depth` steps reach every leaf. Every row begins at
    `start` (decisions,), and each stage has one tree for each decision, whose leaf adds its `value`. A regressor whose loss has a
    logarithmic link answers the exponential of the sum.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._preparer = Preparer.of(bundle)
        found = dict(zip(NAMES, unpack(bundle, NAMES), strict=True))
        self._first, self._feature, self._threshold = found["first"], found["feature"], found["threshold"]
        self._missing_left, self._left, self._right = found["missing_left"], found["left"], found["right"]
        self._value, self._depth, self._start = found["value"], int(found["depth"]), found["start"]
        self._exponential = bool(found["exponential"])
        self._numbers = bundle.contract.quantity is not None

    def probabilities(self, columns: Mapping[str, Sequence[Any]]) -> Matrix:
        """Return (n, classes) probabilities of n rows given by column, or (n, 1) numbers."""
        rows, parts = max(1, LEAVES // len(self._first)), list[Matrix]()
        for cells in self._preparer.matrices(columns):
            parts += [self._sums(cells[start : start + rows]) for start in range(0, len(cells), rows)]
        decisions = np.concatenate(parts)
        if not self._numbers:
            return logistic.probabilities(decisions)
        return np.exp(decisions) if self._exponential else decisions

    def _sums(self, cells: Matrix) -> Matrix:
        values = self._value[self._leaves(cells)]
        decisions = np.tile(self._start, (len(cells), 1))
        for tree in range(0, values.shape[1], len(self._start)):  # one stage after another, as scikit-learn adds them up
            decisions += values[:, tree : tree + len(self._start)]
        return decisions

    def _leaves(self, cells: Matrix) -> npt.NDArray[np.intp]:
        rows = np.arange(len(cells))[:, None]
        node = np.tile(self._first, (len(cells), 1))
        missing = bool(np.isnan(cells).any())
        for _ in range(self._depth):
            cell = cells[rows, self._feature[node]]
            left = cell <= self._threshold[node]
            if missing:
                left |= np.isnan(cell) & self._missing_left[node]
            node = np.where(left, self._left[node], self._right[node])
        return node
