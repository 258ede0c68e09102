"""Turning a measured pipeline into the files of a bundle, for the engine that answers as the pipeline does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from slipway.bundle.compiling.columns import contract_columns
from slipway.bundle.compiling.compiled import Compiled, Measured, unwrap
from slipway.bundle.compiling.forests import compile_forest
from slipway.bundle.compiling.graphs import compile_graph, compile_network, compile_onnx
from slipway.bundle.compiling.vectors import compile_svm
from slipway.spec import ModelSpec

__all__ = ["Compiled", "compile_model", "compile_onnx", "contract_columns"]

# by the name of the estimator's type, or of one it extends: a type itself would have to be imported to be compared with
FAMILIES: Mapping[str, Callable[[ModelSpec, Measured], Compiled]] = MappingProxyType(
    {
        "ForestClassifier": compile_forest,  # RandomForestClassifier, ExtraTreesClassifier
        "DecisionTreeClassifier": compile_forest,
        "CalibratedClassifierCV": compile_svm,
    }
)


def compile_model(spec: ModelSpec, model: Any) -> Compiled:
    """Compile a fitted model for the simplest engine that answers exactly.

    Trees and support vector machines have engines of their own; an estimator with a method `to_onnx() -> bytes` brings its graph
    (see `compile_network`); any other becomes an ONNX graph, with its preparation inside where that can be, and the parity proof
    decides whether that will do.

    Args:
        model: The fitted pipeline of the spec, or a FixedThresholdClassifier around it.
    Raises:
        CannotCompileError: Something in the pipeline has no equal in any engine; names it.
    """
    measured = unwrap(spec, model)
    if hasattr(measured.estimator, "to_onnx"):
        return compile_network(spec, measured)
    families = (FAMILIES[kind.__name__] for kind in type(measured.estimator).__mro__ if kind.__name__ in FAMILIES)
    return next(families, compile_graph)(spec, measured)
