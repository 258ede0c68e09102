"""Logistic regression as the weights that `slipway.bundle.engines.linear` evaluates."""

from __future__ import annotations

from slipway.bundle.compiling.compiled import Compiled, Measured
from slipway.bundle.compiling.graph import compile_graph
from slipway.bundle.compiling.preparation import encode_preparation
from slipway.bundle.engines.files import ARRAYS, PREPARATION, pack
from slipway.errors import CannotCompileError
from slipway.spec import ModelSpec


def compile_linear(spec: ModelSpec, measured: Measured) -> Compiled:
    """Compile a LogisticRegression; one whose preparation cannot be described is tried as an ONNX graph."""
    try:
        preparation = encode_preparation(measured)
    except CannotCompileError:
        return compile_graph(spec, measured)
    arrays = {"weights": measured.estimator.coef_.T, "intercepts": measured.estimator.intercept_}
    return Compiled("linear", {PREPARATION: preparation, ARRAYS: pack(arrays)}, measured.threshold)
