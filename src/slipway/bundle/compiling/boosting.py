"""Boosted trees of scikit-learn as the graph that finds their leaves, and what the leaves add: see `slipway.bundle.engines.boosting`."""

from __future__ import annotations

import numpy as np

from slipway.bundle.compiling.compiled import Compiled, Measured
from slipway.bundle.compiling.preparation import encode_preparation
from slipway.bundle.compiling.trees import leaf_graph, leaves
from slipway.bundle.engines.files import ARRAYS, GRAPH, PREPARATION, pack
from slipway.errors import CannotCompileError
from slipway.spec import ModelSpec


def compile_boosting(spec: ModelSpec, measured: Measured) -> Compiled:
    """Compile a GradientBoostingClassifier.

    Raises:
        CannotCompileError: Its loss is another than the logarithmic one, or it begins with another model's answers.
    """
    estimator = measured.estimator
    if estimator.loss != "log_loss":
        raise CannotCompileError(f"{spec.name}: boosting with loss={estimator.loss!r} has no engine of its own; log_loss has.")
    if estimator.init not in (None, "zero"):
        raise CannotCompileError(f"{spec.name}: boosting that begins with {estimator.init} has no engine of its own; leave init out.")
    # what every row begins with: no public method tells it, and the proof does if this should change
    start = estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_), dtype=np.float32))[0]
    arrays = {"value": leaves(estimator)["value"][:, 0] * estimator.learning_rate, "start": start}
    files = {PREPARATION: encode_preparation(measured), ARRAYS: pack(arrays), GRAPH: leaf_graph(estimator)}
    return Compiled("boosting", files, measured.threshold)
