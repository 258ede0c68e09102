"""Logistic and linear regression as the weights that `slipway.bundle.engines.linear` evaluates."""

from __future__ import annotations

import numpy as np

from slipway.bundle.compiling.compiled import Compiled, FittedPipeline
from slipway.bundle.compiling.graph import compile_graph
from slipway.bundle.compiling.preparation import encode_preparation
from slipway.bundle.engines.files import ARRAYS, PREPARATION, pack
from slipway.errors import CannotCompileError
from slipway.spec import ModelSpec


def compile_linear(spec: ModelSpec, fitted: FittedPipeline) -> Compiled:
    """Compile a LogisticRegression, or a linear model of a number; if its preparation cannot be described, try an ONNX graph."""
    try:
        preparation = encode_preparation(fitted)
    except CannotCompileError:
        return compile_graph(spec, fitted)
    estimator = fitted.estimator
    arrays = {"weights": np.atleast_2d(estimator.coef_).T, "intercepts": np.atleast_1d(estimator.intercept_)}
    return Compiled("linear", {PREPARATION: preparation, ARRAYS: pack(arrays)}, fitted.threshold)
