"""Which function describes which estimator inside a composition, and what compiles one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from slipway.bundle.compiling.compiled import Compiled, FittedPipeline
from slipway.bundle.compiling.composed import ensembles, linear, machines, neighbours, steps, trees
from slipway.bundle.compiling.composed.composition import Composition, Family, largest_decision, most_probable, no_labels
from slipway.bundle.compiling.composed.steps import own_preparation
from slipway.bundle.compiling.ensembles import READERS
from slipway.bundle.compiling.graph import compile_graph
from slipway.bundle.compiling.preparation import encode_preparation
from slipway.bundle.engines.composed.arrays import COMPOSITION
from slipway.bundle.engines.composed.parts import FittedComposition
from slipway.bundle.engines.files import PREPARATION
from slipway.errors import CannotCompileError
from slipway.spec import ModelSpec

# by the name of the estimator's type or of a base: to compare types themselves, they would have to be imported
PARTS: Mapping[str, Family] = MappingProxyType(
    {
        **dict.fromkeys(READERS, Family(trees.describe_ensemble, most_probable)),
        "ForestClassifier": Family(trees.describe_forest, most_probable),
        "ForestRegressor": Family(trees.describe_forest, no_labels),
        "BaseDecisionTree": Family(trees.describe_forest, most_probable),
        "BaseGradientBoosting": Family(trees.describe_boosting, largest_decision),
        "LinearClassifierMixin": Family(linear.describe_linear, largest_decision),
        "LinearModel": Family(linear.describe_linear, no_labels),
        "SGDRegressor": Family(linear.describe_linear, no_labels),
        "_GeneralizedLinearRegressor": Family(linear.describe_exponential, no_labels),
        "BaseLibSVM": Family(machines.describe_machine, machines.machine_labels),
        "BaseMultilayerPerceptron": Family(machines.describe_perceptron, most_probable),
        "KNeighborsMixin": Family(neighbours.describe_neighbours, most_probable),
        "GaussianNB": Family(linear.describe_gaussian, most_probable),
        "CategoricalNB": Family(linear.describe_categorical, most_probable),
        "_BaseDiscreteNB": Family(linear.describe_counts, most_probable),
        "QuadraticDiscriminantAnalysis": Family(linear.describe_quadratic, most_probable),
        "VotingClassifier": Family(ensembles.describe_voting, most_probable),
        "VotingRegressor": Family(ensembles.describe_voting, no_labels),
        "StackingClassifier": Family(ensembles.describe_stacking, ensembles.stacking_labels),
        "StackingRegressor": Family(ensembles.describe_stacking, no_labels),
        "BaseBagging": Family(ensembles.describe_bagging, most_probable),
        "AdaBoostClassifier": Family(ensembles.describe_adaptive, largest_decision),
        "AdaBoostRegressor": Family(ensembles.describe_median, no_labels),
        "CalibratedClassifierCV": Family(ensembles.describe_calibrated, most_probable),
        "Pipeline": Family(steps.describe_pipeline, steps.pipeline_labels),
        "FrozenEstimator": Family(steps.describe_inner, steps.inner_labels),
        "BaseSearchCV": Family(steps.describe_inner, steps.inner_labels),
        "StandardScaler": Family(steps.describe_standard, no_labels, is_step=True),
        "RobustScaler": Family(steps.describe_robust, no_labels, is_step=True),
        "MaxAbsScaler": Family(steps.describe_largest, no_labels, is_step=True),
        "MinMaxScaler": Family(steps.describe_range, no_labels, is_step=True),
        "SimpleImputer": Family(steps.describe_imputer, no_labels, is_step=True),
        "SelectorMixin": Family(steps.describe_selector, no_labels, is_step=True),
        "PCA": Family(steps.describe_components, no_labels, is_step=True),
        "FunctionTransformer": Family(steps.describe_function, no_labels, is_step=True),
    }
)

# the estimators of these that have no engine of their own; each has a name above, or a base has
COMPOSED = (
    "BaseLibSVM",
    "BaseMultilayerPerceptron",
    "KNeighborsMixin",
    "GaussianNB",
    "CategoricalNB",
    "_BaseDiscreteNB",
    "LinearDiscriminantAnalysis",
    "QuadraticDiscriminantAnalysis",
    "VotingClassifier",
    "VotingRegressor",
    "StackingClassifier",
    "StackingRegressor",
    "BaseBagging",
    "AdaBoostClassifier",
    "AdaBoostRegressor",
    "Pipeline",
    "FrozenEstimator",
    "BaseSearchCV",
)


def compile_composed(spec: ModelSpec, fitted: FittedPipeline) -> Compiled:
    """Compile an estimator that is made of parts; if a part or the preparation has no engine, try an ONNX graph.

    Raises:
        CannotCompileError: Neither can express it; the message has both reasons.
    """
    own = own_preparation(fitted)
    try:
        return Compiled("composed", {PREPARATION: encode_preparation(own), **composed_files(own.estimator)}, fitted.threshold)
    except CannotCompileError as whole:
        try:
            return compile_graph(spec, fitted)
        except CannotCompileError as graph:
            raise CannotCompileError(f"{spec.name}: {whole}\nNor as a graph: {graph}") from graph


def composed_files(estimator: Any) -> dict[str, bytes]:
    """Return the files of a bundle that describe an estimator over a matrix.

    Raises:
        CannotCompileError: A part has no engine.
    """
    composition = Composition(PARTS)
    part = composition.part(estimator, "predict_proba" if hasattr(estimator, "classes_") else "predict")
    return {COMPOSITION: msgspec.json.encode(FittedComposition(part)), **composition.files()}
