"""Boosted trees whose sums equal the library's bit by bit: of LightGBM, XGBoost, CatBoost, and of scikit-learn on histograms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.bins import Bins
from slipway.bundle.engines.leaf_table import LARGEST, LeafTable, leaf_places, size
from slipway.bundle.engines.links import answers
from slipway.bundle.engines.preparation import Preparer
from slipway.bundle.engines.tree_table import TreeTable, of_bundle
from slipway.bundle.reading import Bundle

Floats = npt.NDArray[np.floating]
Matrix = npt.NDArray[np.float64]
Whole = npt.NDArray[np.intp]

SUMMED = 1 << 18  # values of leaves at once, that is rows times trees, so that memory is bounded


class EnsembleEngine:
    """Trees over a described preparation."""

    def __init__(self, bundle: Bundle) -> None:
        trees = of_bundle(bundle)
        self._preparer, self._ensemble = Preparer.of(bundle), TreeEnsemble(trees, None if fits_table(trees) else _walk(bundle))

    def probabilities(self, columns: Mapping[str, Sequence[Any]]) -> Matrix:
        """Return (n, classes) probabilities of n rows given by column, or (n, 1) numbers."""
        return np.concatenate([self._ensemble.answers(matrix) for matrix in self._preparer.matrices(columns)])


class TreeEnsemble:
    """Trees over a matrix.

    Cells become bins first, which are all that trees can distinguish. A `LeafTable` finds the leaves. Of trees for which that would be too
    large, ONNX Runtime does, from the numbers of the bins, which float32 does not round. The leaves' values are added up in the library's
    own order and precision.

    Args:
        walk: A session of the graph that finds the leaves, if the trees do not fit a table.
    """

    def __init__(self, trees: TreeTable, walk: Any = None) -> None:
        self._trees, self._bins = trees, Bins(trees)
        begin, _ = leaf_places(trees)
        leaf, tree = np.flatnonzero(trees.leaf), trees.tree
        order = leaf[np.lexsort((begin[leaf], tree[leaf]))]
        self._value = np.ascontiguousarray(trees.value[order])
        self._first_leaf = np.searchsorted(tree[order], np.arange(len(trees.first)))
        self._leaves = _walked(self._bins, walk) if walk else LeafTable(trees, self._bins).leaves

    def answers(self, matrix: Matrix) -> Matrix:
        """Return (n, classes) probabilities of an (n, width) matrix, or (n, 1) numbers."""
        return answers(self._sums(matrix), self._trees.link)

    def _sums(self, matrix: Matrix) -> Floats:
        """Return the (n, outputs) sums, in the library's own precision."""
        leaves = self._leaves(self._bins.of(matrix)) + self._first_leaf
        rows = max(1, SUMMED // leaves.shape[1])
        trees, sums = self._trees, np.concatenate([self._added(leaves[start : start + rows]) for start in range(0, len(leaves), rows)])
        if trees.divisor != 1:
            sums /= trees.divisor
        if trees.scale != 1:
            sums *= trees.scale
        return sums + trees.bias if trees.bias.any() else sums

    def _added(self, leaves: Whole) -> Floats:
        """Add the values of (n, trees) leaves up, one tree after another: another order would round to another sum."""
        stages = self._value.take(leaves, axis=0).reshape(len(leaves), -1, self._trees.outputs)
        stages[:, 0] += self._trees.start.astype(stages.dtype)
        sums: Floats = np.add.accumulate(stages, axis=1, out=stages)[:, -1]
        return sums


def _walk(bundle: Bundle) -> Any:
    from slipway.bundle.engines.graph import session  # ONNX Runtime costs time and memory, which only the largest trees need

    return session(bundle)


def _walked(bins: Bins, walk: Any) -> Callable[[Whole], Whole]:
    ends = np.array([[column.first, column.missing] for column in bins.columns])

    def leaves(found: Whole) -> Whole:
        cells = np.where(found == ends[:, 1], np.nan, found - ends[:, 0]).astype(np.float32)
        return np.asarray(walk.run(None, {"matrix": cells})[0]).astype(np.intp)

    return leaves


def fits_table(trees: TreeTable) -> bool:
    """Return whether a `LeafTable` is small enough; otherwise the bundle needs the graph that finds the leaves."""
    return size(trees, Bins(trees)) <= LARGEST
