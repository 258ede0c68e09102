"""Histogram gradient boosting of scikit-learn as the arrays of its trees; see `slipway.bundle.engines.histogram`."""

from __future__ import annotations

import numpy as np

from slipway.bundle.compiling.compiled import Compiled, FittedPipeline
from slipway.bundle.compiling.preparation import encode_preparation
from slipway.bundle.engines.files import ARRAYS, PREPARATION, pack
from slipway.errors import CannotCompileError
from slipway.spec import ModelSpec

EXPONENTIAL = ("poisson", "gamma")  # losses of a regressor that learns the logarithm of its mean


def compile_histogram(spec: ModelSpec, fitted: FittedPipeline) -> Compiled:
    """Compile a HistGradientBoostingClassifier or a HistGradientBoostingRegressor.

    Raises:
        CannotCompileError: It splits categories itself.
    """
    estimator = fitted.estimator
    if estimator.is_categorical_ is not None:
        raise CannotCompileError(
            f"{spec.name}: {type(estimator).__name__} splits categories itself, which has no engine; set categorical_features=None."
        )
    # no public attribute has the trees and the value at which every row begins; if these change, the parity proof fails
    trees = [predictor.nodes for iteration in estimator._predictors for predictor in iteration]
    first = np.concatenate([[0], np.cumsum([len(nodes) for nodes in trees])])
    nodes, own = np.concatenate(trees), np.arange(first[-1])
    offset, leaf = np.repeat(first[:-1], np.diff(first)), nodes["is_leaf"].astype(bool)
    arrays = {
        "first": first[:-1],
        "feature": np.where(leaf, 0, nodes["feature_idx"]),
        "threshold": nodes["num_threshold"],
        "missing_left": nodes["missing_go_to_left"].astype(bool),
        "left": np.where(leaf, own, nodes["left"] + offset),
        "right": np.where(leaf, own, nodes["right"] + offset),
        "value": nodes["value"],
        "depth": np.array(nodes["depth"].max()),
        "start": np.asarray(estimator._baseline_prediction, dtype=np.float64).ravel(),
        "exponential": np.array(estimator.loss in EXPONENTIAL),
    }
    return Compiled("histogram", {PREPARATION: encode_preparation(fitted), ARRAYS: pack(arrays)}, fitted.threshold)
