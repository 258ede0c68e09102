"""Fitting with weights of rows: for how many people or things each row stands."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from slipway.errors import SpecError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SAMPLE_WEIGHT = "sample_weight"


def takes_weights(estimator: Any) -> bool:
    """Return whether an estimator learns from weights: a pipeline if its last step does, one around another one if both do."""
    if steps := _steps(estimator):
        return takes_weights(steps[-1][1])
    inside = getattr(estimator, "estimator", None)
    if hasattr(inside, "fit") and not takes_weights(inside):
        return False
    return SAMPLE_WEIGHT in inspect.signature(estimator.fit).parameters


def require_weights(column: str, *estimators: Any) -> None:
    """Refuse an estimator that would ignore the weights in a column; None is no estimator."""
    for estimator in estimators:
        if estimator is not None and not takes_weights(estimator):
            raise SpecError(
                f"{type(estimator).__name__} takes no weights of rows, so weight={column!r} would not count: use an estimator whose fit "
                "takes sample_weight, or name the column in excluded instead."
            )


def fitted(model: Any, features: Any, labels: Any, weights: npt.NDArray[np.float64] | None) -> Any:
    """Fit a model and return it.

    Args:
        model: An estimator or a pipeline, or what a kind of problem puts around it.
        weights: (n,) of the rows; None if each counts the same.
    """
    if weights is None:
        return model.fit(features, labels)
    if type(model).__name__ == "FixedThresholdClassifier":
        return _with_threshold(model, features, labels, weights)
    return model.fit(features, labels, **{argument(model): weights})


def argument(model: Any) -> str:
    """Return the name under which `model.fit` takes weights for its last step, which may be a pipeline itself."""
    steps = _steps(getattr(model, "regressor", model))
    return f"{steps[-1][0]}__{argument(steps[-1][1])}" if steps else SAMPLE_WEIGHT


def _steps(model: Any) -> list[tuple[str, Any]]:
    """Return the steps of a pipeline, none of another model."""
    found: list[tuple[str, Any]] = getattr(model, "steps", [])
    return found


def _with_threshold(model: Any, features: Any, labels: Any, weights: npt.NDArray[np.float64]) -> Any:
    """Fit what is inside: a FixedThresholdClassifier takes weights only with metadata routing, which would be stored in the model."""
    from sklearn.base import clone

    model.estimator_ = fitted(clone(model.estimator), features, labels, weights)
    model.n_features_in_, model.feature_names_in_ = model.estimator_.n_features_in_, model.estimator_.feature_names_in_
    return model
