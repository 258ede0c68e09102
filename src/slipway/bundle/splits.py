"""Where trees of any library divide their rows, for rows that are made to lie at such places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.compiling.ensembles import ensemble_of
from slipway.bundle.compiling.trees import trees_of
from slipway.bundle.engines.tree_table import TreeTable, without_categories
from slipway.errors import CannotCompileError

Whole = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Splits:
    """The nodes of all trees, and which of them divide by a number. `parent` is -1 for the root of a tree."""

    table: TreeTable
    tree: Whole
    parent: Whole
    inner: Whole

    @classmethod
    def of(cls, estimator: Any, width: int) -> Splits | None:
        """Return those of a fitted estimator over a matrix; None if it has no trees, or trees that take only some of the columns."""
        try:
            table = ensemble_of(estimator)
        except CannotCompileError:
            return None
        if table is None:
            trees = trees_of(estimator)
            if not trees or any(tree.n_features != width for tree in trees):
                return None
            table = _of_forest(trees)
        leaf, parent = table.leaf, np.full(len(table.left), -1, dtype=np.intp)
        branches = np.flatnonzero(~leaf)
        parent[table.left[branches]] = parent[table.right[branches]] = branches
        return cls(table, table.tree, parent, branches[table.chosen[branches] < 0])

    @property
    def first(self) -> Whole:
        return self.table.first

    @property
    def feature(self) -> Whole:
        return self.table.feature

    @property
    def threshold(self) -> npt.NDArray[np.floating]:
        return self.table.threshold

    def path(self, tree: int, cells: npt.NDArray[np.float64]) -> list[int]:
        """Return the nodes that divide by a number on the way of a row of the matrix through one tree."""
        table, found, node = self.table, list[int](), int(self.table.first[tree])
        with np.errstate(over="ignore"):
            own = cells.astype(table.threshold.dtype)
        while table.left[node] != node:
            cell = own[table.feature[node]]
            if np.isnan(cell):
                left = bool(table.missing_left[node])
            elif table.chosen[node] >= 0:
                left = bool(np.isin(cell, table.set_of(node)))
            else:
                left = bool(cell <= table.threshold[node])
                found.append(node)
            node = int(table.left[node] if left else table.right[node])
        return found

    def ranges(self, node: int) -> list[tuple[int, float, float]]:
        """Return the columns that the way to a node asks about, and between which numbers a cell must be: above the first."""
        table, found = self.table, dict[int, tuple[float, float]]()
        while (above := int(self.parent[node])) >= 0:
            if table.chosen[above] < 0:
                feature, threshold = int(table.feature[above]), float(table.threshold[above])
                low, high = found.get(feature, (-np.inf, np.inf))
                found[feature] = (low, min(high, threshold)) if table.left[above] == node else (max(low, threshold), high)
            node = above
        return [(feature, low, high) for feature, (low, high) in found.items()]


def _of_forest(trees: list[Any]) -> TreeTable:
    """Return scikit-learn's own trees as a table without values: they compare float32 cells with float64 thresholds."""
    size = [tree.node_count for tree in trees]
    first = np.concatenate([[0], np.cumsum(size)])
    offset, own = np.repeat(first[:-1], size), np.arange(first[-1])

    def every(name: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(tree, name) for tree in trees])

    left, right = every("children_left"), every("children_right")
    return TreeTable(
        first=first[:-1],
        feature=np.maximum(every("feature"), 0),
        threshold=every("threshold"),
        missing_left=every("missing_go_to_left").astype(bool),
        left=np.where(left < 0, own, left + offset),
        right=np.where(left < 0, own, right + offset),
        value=np.zeros(first[-1]),
        start=np.zeros(1),
        **without_categories(first[-1], 1),
    )
