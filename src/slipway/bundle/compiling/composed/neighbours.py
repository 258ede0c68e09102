"""The nearest training rows, as a part."""

from __future__ import annotations

from typing import Any

import numpy as np

from slipway.bundle.compiling.composed.composition import Composition, Method, no_method
from slipway.bundle.engines.composed.parts import Metric, Neighbours, Part
from slipway.errors import CannotCompileError

LARGEST = 1 << 27  # bytes of the training rows: 128 MB


def describe_neighbours(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a KNeighborsClassifier or a KNeighborsRegressor.

    Raises:
        CannotCompileError: Its distances or its order among rows at one distance cannot be repeated, or it has too many rows.
    """
    classifier = hasattr(estimator, "classes_")
    if method != ("predict_proba" if classifier else "predict"):
        raise no_method(estimator, method)
    rows, answers, tree = estimator._fit_X, np.asarray(estimator._y), estimator._fit_method == "kd_tree"
    if not isinstance(rows, np.ndarray) or rows.dtype != np.float64:
        raise CannotCompileError("neighbours of rows that are sparse, or not of float64, have no engine")
    if rows.nbytes > LARGEST:
        raise CannotCompileError(
            f"the nearest of {len(rows):,} training rows have no engine; expected at most {LARGEST:,} bytes of them, "
            f"received {rows.nbytes:,}"
        )
    arrays = {"rows": rows, "answers": answers.ravel()}
    if tree:
        _, order, nodes, bounds = estimator._tree.get_arrays()
        nodes = np.column_stack([nodes["idx_start"], nodes["idx_end"], nodes["is_leaf"]]).astype(np.intp)
        arrays |= {"order": np.asarray(order), "nodes": nodes, "bounds": np.asarray(bounds)}
    part = Neighbours(
        composition.store(**arrays),
        metric=_metric(estimator),
        count=estimator.n_neighbors,
        weighted=_is_weighted(estimator),
        tree=tree,
        classes=len(estimator.classes_) if classifier else 0,
    )
    if not classifier and answers.ndim > 1 and answers.shape[1] > 1:
        raise CannotCompileError("neighbours that answer several numbers have no engine")
    return part


def _metric(estimator: Any) -> Metric:
    metric, method = estimator.effective_metric_, estimator._fit_method
    if metric == "minkowski":
        power = estimator.effective_metric_params_.get("p")
        metric = {1: "manhattan", 2: "euclidean"}.get(power, metric)
    weighted = estimator.effective_metric_params_.get("w") is not None
    if metric not in ("euclidean", "manhattan") or weighted or method not in ("kd_tree", "brute"):
        raise CannotCompileError(
            f"neighbours by metric={estimator.metric!r} and algorithm={estimator.algorithm!r} have no engine; expected the euclidean "
            'or the manhattan one, and "auto", "kd_tree" or "brute"'
        )
    found: Metric = metric
    return found


def _is_weighted(estimator: Any) -> bool:
    if estimator.weights not in (None, "uniform", "distance"):
        raise CannotCompileError(f"neighbours with weights={estimator.weights!r} have no engine")
    return bool(estimator.weights == "distance")
