"""Logistic regression as the weights that `slipway.bundle.engines.linear` evaluates."""

from __future__ import annotations

from slipway.bundle.compiling.compiled import Compiled, FittedPipeline
from slipway.bundle.compiling.graph import compile_graph
from slipway.bundle.compiling.preparation import encode_preparation
from slipway.bundle.engines.files import ARRAYS, PREPARATION, pack
from slipway.errors import CannotCompileError
from slipway.spec import ModelSpec


def compile_linear(spec: ModelSpec, fitted: FittedPipeline) -> Compiled:
    """Compile a LogisticRegression; if its preparation cannot be described, try an ONNX graph."""
    try:
        preparation = encode_preparation(fitted)
    except CannotCompileError:
        return compile_graph(spec, fitted)
    arrays = {"weights": fitted.estimator.coef_.T, "intercepts": fitted.estimator.intercept_}
    return Compiled("linear", {PREPARATION: preparation, ARRAYS: pack(arrays)}, fitted.threshold)
