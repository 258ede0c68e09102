"""The classes that a model's file declares, and the figures that fit them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from slipway.errors import SpecError
from slipway.problems.classification import ClassLabel
from slipway.problems.estimators import CLASSIFIER, REGRESSOR, gives_probabilities, kind_of

# figures measured on the test rows, with the names of scikit-learn's scorers; higher is better for all
_METRICS = ("accuracy", "balanced_accuracy", "f1_macro", "neg_log_loss")
BINARY_METRICS = (*_METRICS, "precision", "recall", "f1", "roc_auc", "average_precision")
MULTICLASS_METRICS = (*_METRICS, "roc_auc_ovr")
THRESHOLD_METRICS = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")
LOG_LOSS = "neg_log_loss"  # 0 at most; all other figures are from 0 to 1
OF_PROBABILITIES = ("neg_log_loss", "roc_auc", "average_precision", "roc_auc_ovr")  # the others are computed from labels


@dataclass(frozen=True, slots=True)
class Target:
    """The column to predict. `classes` maps each label, in the order of the model's probabilities, to what it means.

    `in_file` maps each label to its text in the file, if that is another.
    """

    name: str
    classes: Mapping[ClassLabel, str]
    positive: ClassLabel | None = None
    in_file: Mapping[ClassLabel, str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", MappingProxyType(dict(self.classes)))
        if len(self.classes) < 2:
            raise SpecError(f"target {self.name}: a classifier needs two classes or more, not {list(self.classes)}.")
        if len({type(label) for label in self.classes}) > 1:
            raise SpecError(f"target {self.name}: the classes are all whole numbers or all texts, not {list(self.classes)}.")
        if list(self.classes) != sorted(self.classes):
            raise SpecError(f"target {self.name}: list the classes in sorted order, as scikit-learn does: {sorted(self.classes)}.")
        if len(self.classes) == 2 and self.positive is None:
            raise SpecError(
                f"target {self.name}: of two classes one is positive: write positive={self.labels[0]!r} or positive={self.labels[1]!r}. "
                "If the column has more classes, list them all."
            )
        if self.positive is not None and self.positive not in self.classes:
            raise SpecError(f"target {self.name}: positive={self.positive!r} is not one of {list(self.classes)}.")
        if len(self.classes) > 2 and self.positive is not None:
            raise SpecError(f"target {self.name}: positive={self.positive!r} applies to two classes only; leave it out.")
        if self.in_file is not None:
            self._refuse_texts(self.in_file)

    def _refuse_texts(self, in_file: Mapping[ClassLabel, str]) -> None:
        if differing := sorted({*in_file} ^ {*self.classes}, key=str):
            raise SpecError(f"target {self.name}: in_file needs a text for each of {self.labels}, and no other; see {differing[0]!r}.")
        if len({*in_file.values()}) < len(in_file):
            raise SpecError(f"target {self.name}: in_file has a text twice: {list(in_file.values())}; give each class its own.")

    @property
    def by_text(self) -> dict[str, ClassLabel]:
        """Return the label for each text in the file."""
        return {self.in_file[label] if self.in_file else str(label): label for label in self.classes}

    @property
    def labels(self) -> list[ClassLabel]:
        return list(self.classes)

    def index(self, label: ClassLabel | None) -> int:
        """Return the place of a class among the probabilities."""
        return self.labels.index(label)  # type: ignore[arg-type]

    @property
    def binary(self) -> bool:
        return len(self.classes) == 2

    @property
    def texts(self) -> bool:
        """Whether the labels are texts; if not, they are whole numbers."""
        return all(isinstance(label, str) for label in self.classes)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The figures that are measured for this target; tuning may maximise each of them."""
        return BINARY_METRICS if self.binary else MULTICLASS_METRICS

    @property
    def answers_are_categories(self) -> bool:
        """Whether drift of the answers is measured as that of a category."""
        return True

    def lower_is_better(self, metric: str) -> bool:
        """Whether a figure is an error: none of these is, the log loss is negated."""
        return False

    def require_metric(self, metric: str) -> None:
        """Refuse a metric that is not measured for this target."""
        if metric not in self.metrics:
            raise SpecError(f"metric={metric!r} is not measured for this target; use one of {', '.join(self.metrics)}.")

    def require_threshold(self, metric: str) -> None:
        """Refuse to tune a threshold where there is none, or where the metric does not depend on it."""
        if not (self.binary and metric in THRESHOLD_METRICS):
            raise SpecError(f"tune_threshold needs a binary target and a metric of labels, one of {', '.join(THRESHOLD_METRICS)}.")

    def require_floor(self, metric: str, floor: float) -> None:
        """Refuse a floor that no model reaches, or every one."""
        low, high = (-math.inf, 0) if metric == LOG_LOSS else (0, 1)
        if floor > high:
            example = f"{-floor:g}" if metric == LOG_LOSS else f"{floor / 100:g}" if floor <= 100 else "0.9"
            raise SpecError(f"floor={floor}: {metric} is {high} at most, so no model could reach it. Write, for example, {example}.")
        if not floor >= low:
            raise SpecError(f"floor={floor}: {metric} is from {low} to {high}, so every model would reach it.")

    def require_tolerance(self, metric: str, name: str, tolerance: float) -> None:
        """Refuse a tolerance that allows any loss."""
        if metric != LOG_LOSS and tolerance > 1:
            raise SpecError(f"{name}={tolerance}: {metric} is from 0 to 1, so every loss would be allowed. Write, for example, 0.01.")

    def require_split(self, stratify: bool) -> None:
        """Take any split: classes may be stratified or not."""

    def require_estimator(self, estimator: Any, place: str = "") -> None:
        """Refuse an estimator that predicts numbers, or gives no probabilities.

        Args:
            place: The beginning of the message.
        """
        name, kind = type(estimator).__name__, kind_of(estimator)
        if kind == REGRESSOR:
            raise SpecError(
                f"{place}{name} predicts numbers, and the target {self.name} has classes; "
                "use a classifier, or declare the target with Quantity(...)."
            )
        if kind not in (CLASSIFIER, None):
            raise SpecError(f"{place}{name} is of the kind {kind!r}, and the target {self.name} has classes; use a classifier.")
        if not gives_probabilities(estimator):
            raise SpecError(
                f"{place}{name} gives no probabilities: it has no predict_proba with these parameters. Use a classifier that has, or "
                f"CalibratedClassifierCV({name}(...)) of scikit-learn."
            )

    def require_baseline(self, estimator: Any) -> None:
        """Refuse a baseline that cannot give what the figures are computed from."""
        if not hasattr(estimator, "predict_proba"):
            raise SpecError(f"baseline={estimator} has no predict_proba, so it cannot be measured as the model is.")
