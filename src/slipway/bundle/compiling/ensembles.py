"""Boosted trees of any library as the table that `slipway.bundle.engines.ensemble` answers from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

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

Array = npt.NDArray[Any]

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
    bins, leaf = Bins(trees), trees.leaf
    columns = {column.feature: (place, column) for place, column in enumerate(bins.columns)}
    first = trees.first[trees.tree]
    feature, at = np.zeros(len(leaf), dtype=np.intp), np.zeros(len(leaf))
    for place, column in columns.values():
        own = np.flatnonzero(~leaf & (trees.feature == column.feature))
        feature[own], at[own] = place, column.ends.searchsorted(trees.threshold[own])
    plain = {
        "treeids": trees.tree,
        "nodeids": np.arange(len(leaf)) - first,
        "featureids": feature,
        "values": at,
        "modes": np.where(leaf, "LEAF", "BRANCH_LEQ"),
        "truenodeids": np.where(leaf, 0, trees.left - first),
        "falsenodeids": np.where(leaf, 0, trees.right - first),
        "missing_value_tracks_true": np.where(leaf, 0, trees.missing_left),
    }
    nodes = _with_sets(plain, trees, columns)
    ends, (begin, _) = np.flatnonzero(leaf), leaf_places(trees)
    tree = trees.tree[ends]
    targets = {"treeids": tree, "nodeids": ends - first[ends], "ids": tree, "weights": begin[ends].astype(np.float64)}
    attributes = {f"nodes_{name}": values for name, values in nodes.items()}
    attributes |= {f"target_{name}": values for name, values in targets.items()}
    return leaf_walk({name: values.tolist() for name, values in attributes.items()}, len(trees.first), len(bins.columns))


def _with_sets(plain: dict[str, Array], trees: TreeTable, columns: Mapping[int, tuple[int, ColumnBins]]) -> dict[str, Array]:
    """Turn each node that has a set of categories into a chain, one node for each category, whose nodes all lead to the same left one."""
    free = dict(enumerate(np.diff([*trees.first.tolist(), len(trees.left)]).tolist()))  # by tree: the next number of a node
    plain, further = dict(plain), defaultdict[str, list[Any]](list)
    for node in np.flatnonzero(trees.chosen >= 0).tolist():
        _, column = columns[int(trees.feature[node])]
        # -1 is no bin: a set may be empty, where only missing cells go to the left
        first, *others = column.ends.searchsorted(trees.set_of(node)).astype(np.float64).tolist() or [-1.0]
        tree, after = int(trees.tree[node]), plain["falsenodeids"][node]
        ids = range(free[tree], free[tree] + len(others))
        free[tree] += len(others)
        plain["modes"][node], plain["values"][node] = "BRANCH_EQ", first
        plain["falsenodeids"][node] = ids[0] if others else after
        for number, (id, at) in enumerate(zip(ids, others, strict=True)):
            row = {name: plain[name][node] for name in plain} | {"nodeids": id, "values": at}
            row["falsenodeids"] = ids[number + 1] if number + 1 < len(others) else after
            for name, value in row.items():
                further[name].append(value)
    if not further:
        return plain
    every = {name: np.concatenate([values, further[name]]) for name, values in plain.items()}
    order = np.argsort(every["treeids"], kind="stable")
    return {name: values[order] for name, values in every.items()}
