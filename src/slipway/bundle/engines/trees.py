"""A forest whose answers equal scikit-learn's bit by bit, even on split thresholds and at ties of the vote."""

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

MANY = 64  # rows; from here on, adding tree by tree is quicker than adding all at once, with the same sums
VOTES = 1 << 20  # in one addition, that is rows times trees, so that memory is bounded


class TreesEngine:
    """ONNX Runtime finds the leaf of a row in each tree, and numpy adds up the votes.

    The graph only compares: it returns (n, trees) numbers of leaves, whose (leaves, classes) `value` are the votes. A usual graph of a
    forest would add them up too, but in float32 and in another order than scikit-learn.

    scikit-learn compares a float32 cell with a float64 threshold. The graph has the largest float32 that is not above that threshold,
    which gives the same answer for every float32 cell.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._preparer = Preparer.of(bundle)
        self._value, trees = unpack(bundle, ("value", "trees"))
        self._trees = int(trees)
        self._session = session(bundle)

    def probabilities(self, columns: Mapping[str, Sequence[Any]]) -> Probabilities:
        """Return (n, classes) probabilities of n rows given by column."""
        rows, parts = max(1, VOTES // self._trees), list[Probabilities]()
        for matrix in self._preparer.matrices(columns):
            cells = matrix.astype(np.float32)
            parts += [self._vote(cells[start : start + rows]) for start in range(0, len(cells), rows)]
        return np.concatenate(parts)

    def _vote(self, cells: npt.NDArray[np.float32]) -> Probabilities:
        """Add up tree after tree, like ForestClassifier.predict_proba with one job: another order would round to other ties."""
        leaves = self._session.run(None, {"matrix": cells})[0].astype(np.intp)
        total: Probabilities
        if len(cells) < MANY:
            total = np.add.accumulate(self._value.take(leaves.T, axis=0), axis=0)[-1]
        else:
            total = self._value.take(leaves[:, 0], axis=0)
            for tree in range(1, self._trees):
                total += self._value.take(leaves[:, tree], axis=0)
        return total / self._trees
