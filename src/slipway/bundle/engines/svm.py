"""A support vector machine with calibrated probabilities, in float64: votes between classes jump, and float32 would miss jumps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.files import unpack
from slipway.bundle.engines.logistic import logistic, of_second
from slipway.bundle.engines.preparation import Preparer
from slipway.bundle.reading import Bundle

Matrix = npt.NDArray[np.float64]

CELLS = 1 << 22  # of the kernel matrix at once, that is rows times support vectors: 32 MB


class SvmEngine:
    """scikit-learn's CalibratedClassifierCV(SVC(kernel="rbf"), method="sigmoid", ensemble=False).

    `vectors` (v, width) are the support vectors and `gamma` the kernel's. `weights` (v, pairs) and `intercepts` (pairs,) give one
    decision for each pair of classes, in the order (0, 1), (0, 2), ..., (1, 2), ..., positive for the first class of the pair;
    two classes have one decision, positive for the second. `slopes` and `offsets` are those of the sigmoid of each class, or
    for two classes of the second.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._preparer = Preparer.of(bundle)
        names = ("vectors", "gamma", "weights", "intercepts", "slopes", "offsets")
        self._vectors, gamma, self._weights, self._intercepts, self._slopes, self._offsets = unpack(bundle, names)
        self._gamma = float(gamma)
        self._squares = np.einsum("ij,ij->i", self._vectors, self._vectors)

    def probabilities(self, columns: Mapping[str, Sequence[Any]]) -> Matrix:
        """Return (n, classes) probabilities of n rows given by column."""
        cells = self._preparer.matrix(columns)
        rows = max(1, CELLS // len(self._vectors))
        return np.concatenate([self._calibrated(self._decisions(cells[start : start + rows])) for start in range(0, len(cells), rows)])

    def _decisions(self, cells: Matrix) -> Matrix:
        """Return the (n, pairs) decisions, summed like libsvm's `svm_predict_values`."""
        squares = np.einsum("ij,ij->i", cells, cells)
        distances = squares[:, None] + self._squares - 2.0 * (cells @ self._vectors.T)
        kernel = np.exp(-self._gamma * np.maximum(distances, 0.0))
        decisions: Matrix = kernel @ self._weights + self._intercepts
        return decisions

    def _calibrated(self, decisions: Matrix) -> Matrix:
        """Return (n, classes) probabilities like `_CalibratedClassifier.predict_proba`."""
        if len(self._slopes) == 1:
            return of_second(self._calibrated_decisions(decisions)[:, 0])
        each = logistic(self._calibrated_decisions(one_versus_rest(decisions, len(self._slopes))))
        total = each.sum(axis=1, keepdims=True)
        uniform = np.full_like(each, 1 / each.shape[1])
        shares: Matrix = np.divide(each, total, out=uniform, where=total != 0)
        return shares

    def _calibrated_decisions(self, decisions: Matrix) -> Matrix:
        return -(self._slopes * decisions + self._offsets)


def one_versus_rest(decisions: Matrix, classes: int) -> Matrix:
    """Turn (n, pairs) decisions into (n, classes): votes, plus at most a third of a vote for how certain they are.

    The formula is that of `sklearn.utils.multiclass._ovr_decision_function`.
    """
    votes, certainty = np.zeros((2, len(decisions), classes))
    for pair, (first, second) in enumerate(combinations(range(classes), 2)):
        decision = decisions[:, pair]
        certainty[:, first] += decision
        certainty[:, second] -= decision
        votes[:, first] += decision >= 0
        votes[:, second] += decision < 0
    transformed: Matrix = votes + certainty / (3 * (np.abs(certainty) + 1))
    return transformed
