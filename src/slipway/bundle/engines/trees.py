"""A forest whose answers are scikit-learn's bit by bit, also on split thresholds and at ties of the vote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.files import unpack
from slipway.bundle.engines.graph import session
from slipway.bundle.engines.preparation import Preparer
from slipway.bundle.reading import Bundle

Probabilities = npt.NDArray[np.float64]

MANY = 64  # rows from which it is quicker to go tree by tree than to add up all at once; the sums are the same
VOTES = 1 << 20  # of one addition, rows times trees: memory is bounded


class TreesEngine:
    """ONNX Runtime finds the leaf where a row arrives in each tree, and the votes are added up here.

    The graph only compares: it gives (n, trees) numbers of leaves, whose (leaves, classes) `value` are the votes. Adding up is what a plain
    graph of a forest does otherwise than scikit-learn: in float32, and in another order.

    scikit-learn compares a float32 cell with a float64 threshold. In the graph the threshold is the largest float32 that is not above
    it, which gives the same answer for every float32 cell.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._preparer = Preparer.of(bundle)
        self._value, trees = unpack(bundle, ("value", "trees"))
        self._trees = int(trees)
        self._session = session(bundle)

    def probabilities(self, columns: Mapping[str, Sequence[Any]]) -> Probabilities:
        """Return (n, classes) probabilities of n rows given by column."""
        cells = self._preparer.matrix(columns).astype(np.float32)
        rows = max(1, VOTES // self._trees)
        parts = [self._vote(cells[start : start + rows]) for start in range(0, len(cells), rows)]
        return np.concatenate(parts)

    def _vote(self, cells: npt.NDArray[np.float32]) -> Probabilities:
        """Add up tree after tree, as ForestClassifier.predict_proba does with one job: another order rounds to other ties."""
        leaves = self._session.run(None, {"matrix": cells})[0].astype(np.intp)
        total: Probabilities
        if len(cells) < MANY:
            total = np.add.accumulate(self._value.take(leaves.T, axis=0), axis=0)[-1]
        else:
            total = self._value.take(leaves[:, 0], axis=0)
            for tree in range(1, self._trees):
                total += self._value.take(leaves[:, tree], axis=0)
        return total / self._trees
