"""Boosted trees that add up like scikit-learn's: in float64, stage after stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines import logistic
from slipway.bundle.engines.files import unpack
from slipway.bundle.engines.graph import session
from slipway.bundle.engines.preparation import Preparer
from slipway.bundle.reading import Bundle

Matrix = npt.NDArray[np.float64]


class BoostingEngine:
    """scikit-learn's GradientBoostingClassifier, or GradientBoostingRegressor, over a described preparation.

    ONNX Runtime finds the leaf of a row in each tree, as for a forest (see `slipway.bundle.engines.trees`). Every row begins at `start`
    (decisions,). Each stage has one tree for each decision, and its leaf adds its `value` (leaves,), which includes the learning rate.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._preparer = Preparer.of(bundle)
        self._value, self._start = unpack(bundle, ("value", "start"))
        self._session = session(bundle)
        self._numbers = bundle.contract.quantity is not None

    def probabilities(self, columns: Mapping[str, Sequence[Any]]) -> Matrix:
        """Return (n, classes) probabilities of n rows given by column, or (n, 1) numbers."""
        decisions = np.concatenate([self._sums(matrix.astype(np.float32)) for matrix in self._preparer.matrices(columns)])
        return decisions if self._numbers else logistic.probabilities(decisions)

    def _sums(self, cells: npt.NDArray[np.float32]) -> Matrix:
        leaves = self._session.run(None, {"matrix": cells})[0].astype(np.intp)
        decisions = np.tile(self._start, (len(cells), 1))
        for first in range(0, leaves.shape[1], len(self._start)):
            decisions += self._value.take(leaves[:, first : first + len(self._start)])
        return decisions
