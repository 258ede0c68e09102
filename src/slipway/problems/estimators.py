"""What an estimator is, what kind of answers it gives, and which rows and values it takes, by its own tags and constraints."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Protocol, runtime_checkable

CLASSIFIER, REGRESSOR = "classifier", "regressor"
# transformers that take sparse rows and return dense ones, with a column for each of their components
DENSE_AFTER = ("PCA", "TruncatedSVD", "NMF", "LatentDirichletAllocation")

NOT_STORED = "Birch"  # the one estimator of scikit-learn that skops does not write


@runtime_checkable
class Estimator(Protocol):
    """A classifier or a regressor of scikit-learn, or of a library that follows it; not all of them inherit from BaseEstimator."""

    def fit(self, *rows: Any) -> Any: ...
    def get_params(self, deep: bool = True) -> dict[str, Any]: ...
    def set_params(self, **params: Any) -> Any: ...


@runtime_checkable
class Distribution(Protocol):
    """A distribution of Optuna: the values that a parameter may have in a search."""

    def single(self) -> bool: ...
    def to_external_repr(self, param_value_in_internal_repr: float) -> Any: ...


def kind_of(estimator: Any) -> str | None:
    """Return `CLASSIFIER`, `REGRESSOR`, another kind of scikit-learn's, or None if the estimator does not say."""
    tags = getattr(estimator, "__sklearn_tags__", None)
    kind: str | None = tags().estimator_type if tags else None
    return kind


def gives_probabilities(estimator: Any) -> bool:
    """Return whether a classifier gives probabilities. Stacked ones without a last estimator end with logistic regression, which does."""
    return hasattr(estimator, "predict_proba") or getattr(estimator, "final_estimator", estimator) is None


def takes_missing_cells(estimator: Any) -> bool:
    """Return whether an estimator, or each step of a pipeline, knows NaN by itself; one that does not say fails at it."""
    return all(tags is not None and tags.allow_nan for tags in map(_input_tags, _steps(estimator)))


def takes_sparse_rows(estimator: Any) -> bool:
    """Return whether an estimator takes rows of which only the cells that are not zero are stored; one that does not say fails at them.

    Of a pipeline, each step must take them, up to one that makes dense rows of them.
    """
    for step in _steps(estimator):
        tags = _input_tags(step)
        if tags is None or not tags.sparse:
            return False
        if type(step).__name__ in DENSE_AFTER:
            break
    return True


def is_plain(value: Any) -> bool:
    """Return whether a parameter is a plain value or a list of them, or an estimator of scikit-learn that has only such parameters.

    A stored model may contain all of them. Of all else, `slipway.training.pipelines.require_storable` knows.
    """
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(map(is_plain, value.values()))
    declared = type(value)
    public = declared.__module__.startswith("sklearn.") and not declared.__name__.startswith("_")
    if public and hasattr(value, "__sklearn_tags__") and declared.__name__ != NOT_STORED:
        return all(map(is_plain, value.get_params(deep=False).values()))
    return value is None or declared in (bool, int, float, str)


def _steps(estimator: Any) -> list[Any]:
    """Return the steps of a pipeline that do something, or the estimator itself."""
    steps = [step for _, step in getattr(estimator, "steps", [("", estimator)])]
    return [step for step in steps if step is not None and not isinstance(step, str)]


def _input_tags(estimator: Any) -> Any:
    """Return what an estimator says of the rows that it takes, None if it says nothing."""
    tags = getattr(estimator, "__sklearn_tags__", None)
    return tags().input_tags if tags else None


def takes_parameter(estimator: Any, name: str) -> bool:
    """Return whether an estimator, or a step of it (`step__parameter`), takes a parameter that it does not list before it has a value.

    CatBoost lists only what was given to it; LightGBM takes further parameters by any name, and hands them on.
    """
    step, _, parameter = name.rpartition("__")
    part = estimator.get_params().get(step) if step else estimator
    taken = inspect.signature(type(part)).parameters if hasattr(part, "set_params") else {}
    if parameter in taken:
        return True
    if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in taken.values()):
        return False
    try:
        return parameter in deepcopy(part).set_params(**{parameter: None}).get_params()
    except (TypeError, ValueError):
        return False


def with_value(estimator: Any, parameter: str, value: Any) -> Any:
    """Return a copy of an unfitted estimator in which one parameter, perhaps of a step (`step__parameter`), has another value."""
    return deepcopy(estimator).set_params(**{parameter: value})


def objection(estimator: Any, values: Mapping[str, Any]) -> str | None:
    """Return why an estimator does not take the values of its parameters, which it says itself only when it is fitted.

    Estimators of scikit-learn declare what they take; of others nothing is known, and None is returned.
    """
    parts = {"": estimator, **estimator.get_params()}
    for name, value in values.items():
        step, _, parameter = name.rpartition("__")
        if constraints := getattr(parts.get(step), "_parameter_constraints", None):
            from sklearn.utils._param_validation import validate_parameter_constraints  # the public way to it is to fit

            try:
                validate_parameter_constraints(constraints, {parameter: value}, type(parts[step]).__name__)
            except ValueError as error:
                return str(error)
    return None


def offered(distribution: Any) -> tuple[Any, ...]:
    """Return the values of a distribution that show whether it is possible: its choices, or both ends."""
    return tuple(getattr(distribution, "choices", None) or (distribution.low, distribution.high))
