"""The number that a model's file declares, and the figures that fit it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from slipway.errors import SpecError
from slipway.problems.estimators import CLASSIFIER, REGRESSOR, kind_of

# figures measured on the test rows, with the names of scikit-learn's functions; lower is better for all but the first
R2, RELATIVE = "r2", "mean_absolute_percentage_error"
ERRORS = ("mean_absolute_error", "median_absolute_error", "root_mean_squared_error", RELATIVE)
METRICS = (R2, *ERRORS)


@dataclass(frozen=True, slots=True)
class Quantity:
    """The column to predict, if it is a number in `unit`.

    `low` and `high` are inclusive, and are what is possible: a row outside is refused, and the interval of an answer ends there.
    `log`: the model learns log(1 + number), which fits counts and skewed amounts; its answers are the numbers themselves.
    `coverage`: the share of the rows whose outcome the interval of an answer should include.
    """

    name: str
    unit: str
    description: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    coverage: float = 0.9

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            if (value := getattr(self, name)) is not None and not math.isfinite(value):
                raise SpecError(f"target {self.name}: {name}={value} is not a number; leave {name} out if there is no limit.")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise SpecError(f"target {self.name}: the range {self.low} to {self.high} is empty; low must be below high.")
        if self.log and (self.low is None or self.low < 0):
            raise SpecError(f"target {self.name}: log=True learns log(1 + number), so it needs low=0 or more, not low={self.low}.")
        if not 0.5 <= self.coverage < 1:
            raise SpecError(f"target {self.name}: coverage={self.coverage}: expected a share from 0.5 to less than 1, such as 0.9.")

    @property
    def texts(self) -> bool:
        """Whether the answers are texts."""
        return False

    @property
    def metrics(self) -> tuple[str, ...]:
        """The figures that tuning may use for this target. A relative error is not defined where the outcome may be zero."""
        nonzero = (self.low is not None and self.low > 0) or (self.high is not None and self.high < 0)
        return METRICS if nonzero else tuple(name for name in METRICS if name != RELATIVE)

    @property
    def answers_are_categories(self) -> bool:
        """Whether drift of the answers is measured as that of a category."""
        return False

    def lower_is_better(self, metric: str) -> bool:
        """Whether a figure is an error."""
        return metric in ERRORS

    def require_metric(self, metric: str) -> None:
        """Refuse a metric that is not measured for this target."""
        if metric == RELATIVE and metric not in self.metrics:
            raise SpecError(
                f"metric={metric!r} divides by the outcome, and {self.name} may be 0; declare low above 0, or use another metric."
            )
        if metric not in self.metrics:
            raise SpecError(f"metric={metric!r} is not measured for this target; use one of {', '.join(self.metrics)}.")

    def require_threshold(self, metric: str) -> None:
        """Refuse to tune a threshold."""
        raise SpecError(f"tune_threshold needs a target with classes, and {self.name} is a number; leave it out.")

    def require_floor(self, metric: str, floor: float) -> None:
        """Refuse a floor that every model reaches, or none."""
        if metric == R2 and floor > 1:
            raise SpecError(f"floor={floor}: r2 is 1 at most, so no model could reach it.")
        if metric in ERRORS and floor <= 0:
            raise SpecError(f"floor={floor}: {metric} is an error, so floor is the largest accepted one; it must be above 0.")

    def require_tolerance(self, metric: str, name: str, tolerance: float) -> None:
        """Take any tolerance: the errors are in the unit of the number."""

    def require_split(self, stratify: bool) -> None:
        """Refuse to stratify by a number."""
        if stratify:
            raise SpecError(f"stratify=True keeps the shares of classes, and the target {self.name} is a number; set stratify=False.")

    def require_estimator(self, estimator: Any, place: str = "") -> None:
        """Refuse an estimator that does not predict numbers.

        Args:
            place: The beginning of the message.
        """
        name, kind = type(estimator).__name__, kind_of(estimator)
        if kind == CLASSIFIER:
            raise SpecError(
                f"{place}{name} predicts classes, and the target {self.name} is a number; "
                "use a regressor, or declare the target with Target(...)."
            )
        if kind not in (REGRESSOR, None):
            raise SpecError(f"{place}{name} is of the kind {kind!r}, and the target {self.name} is a number; use a regressor.")
        if not hasattr(estimator, "predict"):
            raise SpecError(f"{place}{name} predicts nothing: it has no predict; use a regressor.")

    def require_baseline(self, estimator: Any) -> None:
        """Refuse a baseline that predicts classes."""
        if kind_of(estimator) == CLASSIFIER:
            raise SpecError(f"baseline={estimator} predicts classes, and the target {self.name} is a number; use a regressor.")
