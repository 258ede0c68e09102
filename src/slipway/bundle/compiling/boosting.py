"""Boosted trees of scikit-learn as a graph that finds their leaves, and their values; see `slipway.bundle.engines.boosting`."""

from __future__ import annotations

import numpy as np

from slipway.bundle.compiling.compiled import Compiled, FittedPipeline
from slipway.bundle.compiling.preparation import encode_preparation
from slipway.bundle.compiling.trees import leaf_graph, leaves
from slipway.bundle.engines.files import ARRAYS, GRAPH, PREPARATION, pack
from slipway.errors import CannotCompileError
from slipway.spec import ModelSpec


def compile_boosting(spec: ModelSpec, fitted: FittedPipeline) -> Compiled:
    """Compile a GradientBoostingClassifier or a GradientBoostingRegressor.

    Raises:
        CannotCompileError: The loss of a classifier is not the logarithmic one, or it begins with another model's answers.
    """
    estimator = fitted.estimator
    if type(estimator).__name__ == "GradientBoostingClassifier" and estimator.loss != "log_loss":
        raise CannotCompileError(f"{spec.name}: boosting with loss={estimator.loss!r} has no engine; expected loss='log_loss'.")
    if estimator.init not in (None, "zero"):
        raise CannotCompileError(f"{spec.name}: boosting that begins with {estimator.init} has no engine; leave init out.")
    # the value at which every row begins: no public method returns it; if it changes, the parity proof fails
    start = estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_), dtype=np.float32))[0]
    arrays = {"value": leaves(estimator)["value"][:, 0] * estimator.learning_rate, "start": start}
    files = {PREPARATION: encode_preparation(fitted), ARRAYS: pack(arrays), GRAPH: leaf_graph(estimator)}
    return Compiled("boosting", files, fitted.threshold)
