"""A forest walked in numpy, whose answers are scikit-learn's bit by bit, also on split thresholds and at ties of the vote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.files import unpack
from slipway.bundle.engines.preparation import Preparer
from slipway.bundle.reading import Bundle

Probabilities = npt.NDArray[np.float64]

WALKERS = 1 << 15  # walked at once, rows times trees: their state stays in the processor's cache, and memory is bounded
PAUSE = 3  # levels between two looks at who has arrived; looking costs about as much as a level


class TreesEngine:
    """All trees of a forest, as one list of nodes, breadth first; the first nodes are the roots, in the order of the trees.

    By node: `feature` and `threshold` to compare, the node's `first` child (the second stands right behind it), and the
    (nodes, classes) `value` of leaves. A leaf is its own first child and no number is above its threshold, so a walker that
    has arrived stays where it is.

    scikit-learn compares a float32 cell with a float64 threshold. Here the threshold is the largest float32 that is not above
    it, which gives the same answer for every float32 cell.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._preparer = Preparer.of(bundle)
        feature, self._threshold, first, self._value, trees = unpack(bundle, ("feature", "threshold", "first", "value", "trees"))
        self._feature, self._first = feature.astype(np.intp), first.astype(np.intp)  # numpy would convert them at every look-up
        self._roots = np.arange(int(trees), dtype=np.intp)

    def probabilities(self, columns: Mapping[str, Sequence[Any]]) -> Probabilities:
        """Return (n, classes) probabilities of n rows given by column."""
        cells = self._preparer.matrix(columns).astype(np.float32)
        rows = max(1, WALKERS // len(self._roots))
        parts = [self._vote(cells[start : start + rows]) for start in range(0, len(cells), rows)]
        return np.concatenate(parts)

    def _vote(self, cells: npt.NDArray[np.float32]) -> Probabilities:
        """Add up tree after tree, as ForestClassifier.predict_proba does with one job: another order rounds to other ties."""
        votes = self._value.take(self._leaves(cells), axis=0)
        total: Probabilities = np.add.accumulate(votes, axis=0)[-1]
        return total / len(self._roots)

    def _leaves(self, cells: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
        """Return the (trees, n) leaves where n rows arrive. Everybody takes a step at once; who has arrived leaves the walk."""
        feature, threshold, first = self._feature, self._threshold, self._first
        rows, width = cells.shape
        flat = cells.ravel()
        node = np.repeat(self._roots, rows)
        row = np.tile(np.arange(0, rows * width, width), len(self._roots))
        arrived, walker = node.copy(), np.arange(len(node))
        while len(node):
            for _ in range(PAUSE):
                node = first.take(node) + (flat.take(row + feature.take(node)) > threshold.take(node))
            arrived[walker] = node
            walking = np.flatnonzero(first.take(node) != node)
            node, row, walker = node.take(walking), row.take(walking), walker.take(walking)
        return arrived.reshape(len(self._roots), rows)
