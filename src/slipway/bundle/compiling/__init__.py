"""Turning a measured pipeline into the files of a bundle, for the engine that answers as the pipeline does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from slipway.bundle.compiling.boosting import compile_boosting
from slipway.bundle.compiling.columns import contract_columns
from slipway.bundle.compiling.compiled import Compiled, Measured, unwrap
from slipway.bundle.compiling.graph import compile_graph, compile_network, compile_onnx
from slipway.bundle.compiling.linear import compile_linear
from slipway.bundle.compiling.pyfunc import compile_pyfunc
from slipway.bundle.compiling.svm import compile_svm
from slipway.bundle.compiling.trees import compile_forest, refuse_chance
from slipway.errors import CannotCompileError, SlipwayError
from slipway.spec import ModelSpec

__all__ = ["Compiled", "compile_after_failed_proof", "compile_model", "compile_onnx", "contract_columns"]

GRAPHS = ("onnx", "network")  # whose exactness only the proof can tell

# by the name of the estimator's type, or of one it extends: a type itself would have to be imported to be compared with
FAMILIES: Mapping[str, Callable[[ModelSpec, Measured], Compiled]] = MappingProxyType(
    {
        "ForestClassifier": compile_forest,  # RandomForestClassifier, ExtraTreesClassifier
        "DecisionTreeClassifier": compile_forest,
        "GradientBoostingClassifier": compile_boosting,
        "CalibratedClassifierCV": compile_svm,
        "LogisticRegression": compile_linear,
    }
)


def compile_model(spec: ModelSpec, model: Any) -> Compiled:
    """Compile a fitted model for the simplest engine that answers exactly.

    Logistic regression, trees, boosted trees and support vector machines have engines of their own; an estimator with a method
    `to_onnx() -> bytes` brings its graph (see `compile_network`); any other becomes an ONNX graph, with its preparation inside where
    that can be, and the parity proof decides whether that will do. What none of these can express is stored as it is (see
    `compile_pyfunc`).

    Args:
        model: The fitted pipeline of the spec, or a FixedThresholdClassifier around it.
    Raises:
        CannotCompileError: It is no pipeline, its threshold is not one of the positive class, or its answers depend on chance.
        UnsafeModelError: No engine can express a part of it, and the pipeline itself holds a type that is not on the allow-list.
    """
    measured = unwrap(spec, model)
    refuse_chance(spec, measured)
    try:
        return _compile_for_its_family(spec, measured)
    except CannotCompileError as error:
        return compile_pyfunc(spec, measured, error)


def compile_after_failed_proof(spec: ModelSpec, model: Any, compiled: Compiled, why: SlipwayError) -> Compiled:
    """Compile a model anew whose ONNX graph did not answer as it does; `model` is as in `compile_model`.

    Raises:
        ParityError: `why` itself, when it was no graph: the other engines are exact, so that is a bug.
        UnsafeModelError: The pipeline itself holds a type that is not on the allow-list.
    """
    if compiled.engine not in GRAPHS:
        raise why
    return compile_pyfunc(spec, unwrap(spec, model), why)


def _compile_for_its_family(spec: ModelSpec, measured: Measured) -> Compiled:
    if hasattr(measured.estimator, "to_onnx"):
        return compile_network(spec, measured)
    families = (FAMILIES[kind.__name__] for kind in type(measured.estimator).__mro__ if kind.__name__ in FAMILIES)
    return next(families, compile_graph)(spec, measured)
