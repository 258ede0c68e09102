"""The input and the output of a compiler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.bundle.contract import EngineName
from slipway.errors import CannotCompileError
from slipway.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Compiled:
    """The model files of a bundle by name, the engine that opens them, and the contract's threshold (see `Contract.threshold`)."""

    engine: EngineName
    files: Mapping[str, bytes] = field(repr=False)
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class FittedPipeline:
    """A fitted pipeline. `threshold` is the one of the FixedThresholdClassifier around it, if there was one."""

    pipeline: Any
    threshold: float | None

    @property
    def estimator(self) -> Any:
        """The last step."""
        return self.pipeline.steps[-1][1]

    @property
    def preparation(self) -> list[Any]:
        """Every step before the estimator."""
        return [step for _, step in self.pipeline.steps[:-1]]


def unwrap(spec: ModelSpec, model: Any) -> FittedPipeline:
    """Return the pipeline of a model, and the threshold around it.

    Raises:
        CannotCompileError: It is not a pipeline, or the threshold is not one for the positive class's probability.
    """
    threshold = _threshold(spec, model) if type(model).__name__ == "FixedThresholdClassifier" else None
    model = inner(model)
    if not hasattr(model, "steps"):
        raise CannotCompileError(f"{spec.name}: expected a scikit-learn Pipeline, received {type(model).__name__}.")
    return FittedPipeline(model, threshold)


def inner(model: Any) -> Any:
    """Return the fitted pipeline inside a FixedThresholdClassifier or a TransformedTargetRegressor, or the model itself."""
    match type(model).__name__:
        case "FixedThresholdClassifier":
            model = getattr(model, "estimator_", model.estimator)
        case "TransformedTargetRegressor":
            model = model.regressor_
    return model.estimator if type(model).__name__ == "FrozenEstimator" else model


def _threshold(spec: ModelSpec, model: Any) -> float:
    if model.response_method not in ("auto", "predict_proba"):
        raise CannotCompileError(
            f"{spec.name}: the threshold is one of {model.response_method}; a contract needs one of predict_proba. "
            'Choose the threshold with response_method="predict_proba".'
        )
    decided = model.classes_[1] if model.pos_label is None else model.pos_label
    positive = getattr(spec.columns.target, "positive", None)
    if decided != positive:
        raise CannotCompileError(
            f"{spec.name}: the threshold decides for {decided!r}, the target's positive class is {positive!r}. "
            "Set pos_label to the positive class."
        )
    return 0.5 if model.threshold == "auto" else float(model.threshold)
