"""Boosted trees of any library as the table that `slipway.bundle.engines.ensemble` answers from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from slipway.bundle.compiling.catboost import trees_of_catboost
from slipway.bundle.compiling.compiled import Compiled, FittedPipeline
from slipway.bundle.compiling.histogram import trees_of_histograms
from slipway.bundle.compiling.lightgbm import trees_of_lightgbm
from slipway.bundle.compiling.preparation import encode_preparation
from slipway.bundle.compiling.trees import leaf_walk
from slipway.bundle.compiling.xgboost import trees_of_xgboost
from slipway.bundle.engines.bins import Bins, ColumnBins
from slipway.bundle.engines.ensemble import fits_table
from slipway.bundle.engines.files import ARRAYS, GRAPH, PREPARATION, pack
from slipway.bundle.engines.leaf_table import leaf_places
from slipway.bundle.engines.tree_table import TreeTable
from slipway.errors import CannotCompileError
from slipway.spec import ModelSpec

# by the name of the estimator's type or of a base: to compare types themselves, the libraries would have to be imported
READERS: Mapping[str, Callable[[Any], TreeTable]] = MappingProxyType(
    {
        "BaseHistGradientBoosting": trees_of_histograms,
        "LGBMModel": trees_of_lightgbm,
        "XGBModel": trees_of_xgboost,
        "CatBoost": trees_of_catboost,
    }
)


def ensemble_of(estimator: Any) -> TreeTable | None:
    """Return the trees of a fitted estimator of LightGBM, XGBoost, CatBoost, or of scikit-learn's on histograms; None for any other.

    Raises:
        CannotCompileError: Something in it cannot be written as such a table; the message says what.
    """
    readers = (READERS[kind.__name__] for kind in type(estimator).__mro__ if kind.__name__ in READERS)
    reader = next(readers, None)
    return reader(estimator) if reader else None


def compile_ensemble(spec: ModelSpec, fitted: FittedPipeline) -> Compiled:
    """Compile such an estimator.

    Raises:
        CannotCompileError: See `ensemble_of`.
    """
    trees = ensemble_of(fitted.estimator)
    if trees is None:
        raise CannotCompileError(f"{spec.name}: {type(fitted.estimator).__name__} is no ensemble of trees.")
    files = {PREPARATION: encode_preparation(fitted), ARRAYS: pack(trees.arrays())}
    if not fits_table(trees):
        files[GRAPH] = bin_graph(trees)
    return Compiled("ensemble", files, fitted.threshold)


def bin_graph(trees: TreeTable) -> bytes:
    """Return an ONNX graph that takes the (n, asked columns) numbers of bins in their columns, NaN for a missing cell, as float32.

    It returns the (n, trees) places of the leaves in their trees, from the left; see `slipway.bundle.compiling.trees.leaf_walk`.
    """
    nodes, bins = defaultdict[str, list[Any]](list), Bins(trees)
    place = {column.feature: at for at, column in enumerate(bins.columns)}
    begin, _ = leaf_places(trees)
    leaf, tree = trees.leaf, trees.tree
    size = np.diff([*trees.first.tolist(), len(leaf)])
    extra = dict(enumerate(size.tolist()))  # by tree: the number of the next node that one category more needs
    for node in range(len(leaf)):
        own, first = int(tree[node]), int(trees.first[tree[node]])
        if leaf[node]:
            _add(nodes, own, node - first, "LEAF")
            nodes["target_treeids"].append(own)
            nodes["target_nodeids"].append(node - first)
            nodes["target_ids"].append(own)
            nodes["target_weights"].append(float(begin[node]))
            continue
        column = bins.columns[place[int(trees.feature[node])]]
        left, right = int(trees.left[node]) - first, int(trees.right[node]) - first
        missing = int(trees.missing_left[node])
        if trees.chosen[node] < 0:
            at = float(column.ends.searchsorted(trees.threshold[node]))
            _add(nodes, own, node - first, "BRANCH_LEQ", place[column.feature], at, left, right, missing)
            continue
        asked = _bins_of(trees, node, column)
        ids = [node - first, *range(extra[own], extra[own] + len(asked) - 1)]
        extra[own] += len(asked) - 1
        for number, (id, at) in enumerate(zip(ids, asked, strict=True)):
            after = ids[number + 1] if number + 1 < len(ids) else right
            _add(nodes, own, id, "BRANCH_EQ", place[column.feature], at, left, after, missing)
    return leaf_walk(nodes, len(trees.first), len(bins.columns))


def _bins_of(trees: TreeTable, node: int, column: ColumnBins) -> list[float]:
    found: list[float] = column.ends.searchsorted(trees.set_of(node)).astype(np.float64).tolist()
    return found or [-1.0]  # which no bin is: a set may be empty, where only missing cells go to the left


def _add(
    nodes: dict[str, list[Any]],
    tree: int,
    node: int,
    mode: str,
    feature: int = 0,
    at: float = 0.0,
    left: int = 0,
    right: int = 0,
    missing: int = 0,
) -> None:
    row = (tree, node, feature, at, mode, left, right, missing)
    names = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids", "missing_value_tracks_true")
    for name, value in zip(names, row, strict=True):
        nodes[f"nodes_{name}"].append(value)
