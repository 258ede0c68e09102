"""Trees, forests and boosted trees of any library, as parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.compiling.composed.composition import Composition, Method, no_method
from slipway.bundle.compiling.ensembles import ensemble_of
from slipway.bundle.compiling.trees import not_above, trees_of
from slipway.bundle.engines.composed.parts import Part
from slipway.bundle.engines.tree_table import Link, TreeTable, without_categories
from slipway.errors import CannotCompileError

Floats = npt.NDArray[np.floating]


def describe_forest(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe trees or a forest of scikit-learn: votes, or numbers."""
    if method not in ("predict_proba", "predict"):
        raise no_method(estimator, method)
    trees = trees_of(estimator)
    return composition.trees(table_of(trees, [tree.value[:, 0, :] for tree in trees], divisor=len(trees)))


def describe_boosting(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a GradientBoostingClassifier or GradientBoostingRegressor; its limits are those of `compile_boosting`."""
    classifier = hasattr(estimator, "classes_")
    if classifier and estimator.loss != "log_loss":
        raise CannotCompileError(f"boosting with loss={estimator.loss!r} has no engine; expected loss='log_loss'")
    if estimator.init not in (None, "zero"):
        raise CannotCompileError(f"boosting that begins with {estimator.init} has no engine; leave init out")
    trees = trees_of(estimator)
    start = estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_), dtype=np.float32))[0]
    links: dict[Method, Link] = {"predict_proba": "logistic" if len(start) == 1 else "softmax"} if classifier else {"predict": "number"}
    link = {**links, "decision_function": "number"}.get(method)
    if link is None:
        raise no_method(estimator, method)
    table = table_of(trees, [tree.value[:, 0, 0] * estimator.learning_rate for tree in trees], start=start)
    return composition.trees(replace(table, link=link))


def describe_ensemble(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe boosted trees of LightGBM, XGBoost, CatBoost, or of scikit-learn's on histograms."""
    table = ensemble_of(estimator)
    if table is None or method == "transform":
        raise no_method(estimator, method)
    if method == "decision_function":
        if table.link not in ("logistic", "softmax", "number"):
            raise no_method(estimator, method)
        table = replace(table, link="number")
    return composition.trees(table)


def table_of(
    trees: Sequence[Any],
    values: Sequence[Floats],
    *,
    columns: Sequence[Any] | None = None,
    start: Floats | None = None,
    divisor: float = 1.0,
) -> TreeTable:
    """Return scikit-learn's own trees as a table: they compare float32 cells.

    Args:
        values: What each tree has for its nodes, (nodes,) or (nodes, outputs).
        columns: By tree, the column of the matrix that each of its own is; by default the same.
    """
    size = [tree.node_count for tree in trees]
    first = np.concatenate([[0], np.cumsum(size)])
    offset, own = np.repeat(first[:-1], size), np.arange(first[-1])
    left, right, threshold, missing = (
        np.concatenate([getattr(tree, name) for tree in trees])
        for name in ("children_left", "children_right", "threshold", "missing_go_to_left")
    )
    value = np.concatenate(values).astype(np.float64)
    asked = [np.maximum(tree.feature, 0) for tree in trees]
    if columns is not None:
        asked = [np.asarray(own_columns)[feature] for feature, own_columns in zip(asked, columns, strict=True)]
    if start is None:
        start = np.zeros(1 if value.ndim == 1 else value.shape[1])
    return TreeTable(
        first=first[:-1],
        feature=np.concatenate(asked).astype(np.intp),
        threshold=not_above(threshold),
        missing_left=missing.astype(bool),
        left=np.where(left < 0, own, left + offset),
        right=np.where(left < 0, own, right + offset),
        value=value,
        start=np.asarray(start, dtype=np.float64),
        divisor=float(divisor),
        **without_categories(int(first[-1]), len(start)),
    )


def is_tree(estimator: Any) -> bool:
    """Return whether it is a single tree of scikit-learn."""
    return hasattr(estimator, "tree_")
