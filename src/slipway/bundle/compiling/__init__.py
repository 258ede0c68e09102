"""Compiling a measured pipeline into the files of a bundle, for the engine that gives the same answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from slipway.bundle.compiling.boosting import compile_boosting
from slipway.bundle.compiling.columns import contract_columns
from slipway.bundle.compiling.compiled import Compiled, FittedPipeline, unwrap
from slipway.bundle.compiling.composed.registry import COMPOSED, compile_composed
from slipway.bundle.compiling.ensembles import READERS, compile_ensemble
from slipway.bundle.compiling.graph import compile_graph, compile_network, compile_onnx
from slipway.bundle.compiling.linear import compile_linear
from slipway.bundle.compiling.pyfunc import compile_pyfunc
from slipway.bundle.compiling.svm import compile_svm
from slipway.bundle.compiling.trees import compile_forest, refuse_chance
from slipway.bundle.compiling.wording import words_of
from slipway.errors import CannotCompileError, SlipwayError
from slipway.spec import ModelSpec

__all__ = ["Compiled", "compile_after_failed_proof", "compile_model", "compile_onnx", "contract_columns", "words_of"]

PROVEN = ("onnx", "network", "composed")  # only the parity proof shows whether these are exact

# by the name of the estimator's type or of a base: to compare types themselves, they would have to be imported
FAMILIES: Mapping[str, Callable[[ModelSpec, FittedPipeline], Compiled]] = MappingProxyType(
    {
        "ForestClassifier": compile_forest,  # RandomForestClassifier, ExtraTreesClassifier
        "ForestRegressor": compile_forest,
        "DecisionTreeClassifier": compile_forest,
        "DecisionTreeRegressor": compile_forest,
        "GradientBoostingClassifier": compile_boosting,
        "GradientBoostingRegressor": compile_boosting,
        **dict.fromkeys(READERS, compile_ensemble),  # LightGBM, XGBoost, CatBoost, HistGradientBoosting
        "CalibratedClassifierCV": compile_svm,
        **dict.fromkeys(COMPOSED, compile_composed),
        "LogisticRegression": compile_linear,
        "LinearModel": compile_linear,  # LinearRegression, Ridge, Lasso, ElasticNet and their like
        "SGDRegressor": compile_linear,
    }
)


def compile_model(spec: ModelSpec, model: Any) -> Compiled:
    """Compile a fitted model for the simplest engine that answers exactly.

    Logistic and linear regression, trees, boosted trees and support vector machines have their own engines; what is made of such models is
    a composition (see `slipway.bundle.compiling.composed.registry`). An estimator with a method `to_onnx() -> bytes` provides its graph
    (see `compile_network`). Any other becomes an ONNX graph, with its preparation inside if possible, and the parity proof shows whether
    it is exact. A model that no engine can express is stored as a pipeline (see `compile_pyfunc`).

    Args:
        model: The fitted pipeline of the spec, or what is around it (see `slipway.bundle.compiling.compiled.inner`).
    Raises:
        CannotCompileError: It is not a pipeline, its threshold is not the positive class's, or its answers depend on chance.
        UnsafeModelError: No engine can express a part of it, and the pipeline itself has a type that is not on the allow-list.
    """
    fitted = unwrap(spec, model)
    refuse_chance(spec, fitted)
    try:
        return _compile_for_its_family(spec, fitted)
    except CannotCompileError as error:
        return compile_pyfunc(spec, fitted, error)


def compile_after_failed_proof(spec: ModelSpec, model: Any, compiled: Compiled, why: SlipwayError) -> Compiled:
    """Compile a model again whose graph or composition failed the parity proof; for `model` see `compile_model`.

    Raises:
        ParityError: `why` itself, if it was neither: the other engines are exact, so this is a bug.
        UnsafeModelError: The pipeline itself has a type that is not on the allow-list.
    """
    if compiled.engine not in PROVEN:
        raise why
    return compile_pyfunc(spec, unwrap(spec, model), why)


def _compile_for_its_family(spec: ModelSpec, fitted: FittedPipeline) -> Compiled:
    if texts := spec.columns.texts:
        raise CannotCompileError(f"{spec.name}: only scikit-learn itself counts the words of {', '.join(texts)}")
    if hasattr(fitted.estimator, "to_onnx"):
        return compile_network(spec, fitted)
    families = (FAMILIES[kind.__name__] for kind in type(fitted.estimator).__mro__ if kind.__name__ in FAMILIES)
    return next(families, compile_graph)(spec, fitted)
