"""Steps of a pipeline inside of a composition, which take a matrix without names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from slipway.bundle.compiling.compiled import FittedPipeline
from slipway.bundle.compiling.composed.composition import Composition, Method, chained
from slipway.bundle.engines.composed.parts import Filled, Part, Picked, Rescaled, Same, Sums, Within
from slipway.errors import CannotCompileError


def own_preparation(fitted: FittedPipeline) -> FittedPipeline:
    """Return a pipeline whose estimator is one too, with the inner preparation in place of an outer one that passes all columns on.

    So is a version that was adopted, if its pipeline has more steps than a ColumnTransformer and an estimator.
    """
    inner, before = fitted.estimator, fitted.preparation
    if type(inner).__name__ != "Pipeline" or [type(step).__name__ for step in (*before, inner.steps[0][1])] != ["ColumnTransformer"] * 2:
        return fitted
    passed = [name for _, step, columns in before[0].transformers_ if _passes_on(step) for name in columns]
    taken = getattr(inner, "feature_names_in_", ())
    if passed != list(taken):
        return fitted
    return FittedPipeline(type(inner)([inner.steps[0], ("after", inner[1:])]), fitted.threshold)


def describe_pipeline(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a pipeline of one's own: its steps, then what its last one answers."""
    *steps, (_, last) = estimator.steps
    return chained(*(composition.part(step, "transform") for _, step in steps if not _is_nothing(step)), composition.part(last, method))


def pipeline_labels(estimator: Any, values: Sequence[float], composition: Composition) -> Part:
    """Describe the labels of a pipeline: those of its last step."""
    *steps, (_, last) = estimator.steps
    return chained(*(composition.part(step, "transform") for _, step in steps if not _is_nothing(step)), composition.labels(last, values))


def describe_inner(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe what is inside a FrozenEstimator or a search for parameters."""
    return composition.part(_inner(estimator), method)


def inner_labels(estimator: Any, values: Sequence[float], composition: Composition) -> Part:
    """Describe the labels of what is inside."""
    return composition.labels(_inner(estimator), values)


def describe_standard(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a StandardScaler."""
    return _rescaled(estimator, composition, shift=estimator.mean_ if estimator.with_mean else None, divisor=estimator.scale_)


def describe_robust(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a RobustScaler."""
    shift = estimator.center_ if estimator.with_centering else None
    return _rescaled(estimator, composition, shift=shift, divisor=estimator.scale_ if estimator.with_scaling else None)


def describe_largest(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a MaxAbsScaler."""
    if getattr(estimator, "clip", False):
        raise CannotCompileError("a MaxAbsScaler with clip=True has no engine inside a composition")
    return _rescaled(estimator, composition, divisor=estimator.scale_)


def describe_range(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a MinMaxScaler."""
    part = _rescaled(estimator, composition, factor=estimator.scale_, offset=estimator.min_)
    return chained(part, Within(*map(float, estimator.feature_range))) if estimator.clip else part


def describe_imputer(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a SimpleImputer of missing cells."""
    values = np.asarray(estimator.statistics_, dtype=np.float64)
    missing = estimator.missing_values
    if not (isinstance(missing, float) and np.isnan(missing)) or estimator.add_indicator or np.isnan(values).any():
        raise CannotCompileError("a SimpleImputer of other cells than NaN, or with an indicator, has no engine inside a composition")
    return Filled(composition.store(values=values))


def describe_selector(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a choice of columns: SelectKBest, VarianceThreshold and their like."""
    return Picked(tuple(np.flatnonzero(estimator.get_support()).tolist()))


def describe_components(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a PCA."""
    weights = estimator.components_.T
    part: Part = Sums(composition.store(weights=weights, intercepts=-(estimator.mean_.reshape(1, -1) @ weights)[0]))
    if not estimator.whiten:
        return part
    scale = np.sqrt(estimator.explained_variance_)
    smallest = np.finfo(scale.dtype).eps
    return chained(part, _rescaled(estimator, composition, divisor=np.where(scale < smallest, smallest, scale), width=len(scale)))


def describe_function(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a FunctionTransformer without a function."""
    if estimator.func is not None:
        raise CannotCompileError(f"the function {estimator.func} has no engine inside a composition")
    return Same()


def _rescaled(
    estimator: Any,
    composition: Composition,
    *,
    shift: Any = None,
    divisor: Any = None,
    factor: Any = None,
    offset: Any = None,
    width: int | None = None,
) -> Part:
    width = estimator.n_features_in_ if width is None else width
    arrays = {"shift": (shift, 0.0), "divisor": (divisor, 1.0), "factor": (factor, 1.0), "offset": (offset, 0.0)}
    return Rescaled(
        composition.store(
            **{
                name: np.full(width, default) if given is None else np.asarray(given, dtype=np.float64)
                for name, (given, default) in arrays.items()
            }
        )
    )


def _passes_on(step: Any) -> bool:
    return bool(step == "passthrough" or (type(step).__name__ == "FunctionTransformer" and step.func is None))


def _is_nothing(step: Any) -> bool:
    return step is None or isinstance(step, str)


def _inner(estimator: Any) -> Any:
    return estimator.best_estimator_ if hasattr(estimator, "best_estimator_") else estimator.estimator
