"""A model's predictions of rows whose true numbers are known, and their figures, named as scikit-learn's functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from slipway.problems.estimates import Estimate, normal
from slipway.problems.proportions import wilson
from slipway.problems.regression.target import Quantity
from slipway.problems.regression.weighted import COVERAGE, QuantityFigures
from slipway.records import Metrics

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]

ABSOLUTE = "mean_absolute_error"


@dataclass(frozen=True, slots=True)
class QuantityEvaluation:
    """What a model answered to n rows: true numbers, predicted numbers, and the (n, 2) ends of the intervals.

    The intervals are (n, 0) for a model that gives none, such as a baseline. `weights` are (n,), for how much each row counts in the
    figures; None if all count the same.
    """

    target: Quantity
    truth: Sequence[float]
    labels: Sequence[float]
    numbers: Floats
    weights: Floats | None = None

    exact_method: ClassVar[str] = "Coverage: Wilson's score interval (Wilson, JASA 22, 1927)."

    @property
    def rows(self) -> int:
        return len(self.truth)

    @property
    def right(self) -> Flags:
        """Whether each outcome is within its interval, (n,)."""
        if not self.numbers.shape[1]:
            return np.zeros(self.rows, dtype=np.bool_)
        truth = self._truth
        found: Flags = (truth >= self.numbers[:, 0]) & (truth <= self.numbers[:, 1])
        return found

    @property
    def residuals(self) -> Floats:
        """The true number less the predicted one, (n,)."""
        return self._truth - self._predicted

    @property
    def losses(self) -> Floats:
        """The loss of each row: the squared error, (n,)."""
        return np.square(self.residuals)

    def only(self, mask: Flags) -> QuantityEvaluation:
        """Return the evaluation of the rows of an (n,) mask."""
        places = np.flatnonzero(mask).tolist()
        truth, labels = ([cells[at] for at in places] for cells in (self.truth, self.labels))
        weights = None if self.weights is None else self.weights[places]
        return QuantityEvaluation(self.target, truth, labels, self.numbers[places], weights)

    def counting(self, weights: Floats | None) -> QuantityEvaluation:
        """Return the evaluation with other weights of its rows; with None, each counts the same."""
        return replace(self, weights=weights)

    def with_numbers(self, numbers: Floats) -> QuantityEvaluation:
        """Return the evaluation with the (n, 2) ends of intervals."""
        return replace(self, numbers=numbers)

    def figure(self, name: str) -> float:
        """Return one figure; NaN if the rows do not define it."""
        return self.weighted().figure(name, np.ones(self.rows))

    def figures(self) -> Metrics:
        """Return every figure that the rows define."""
        return {name: value for name, value in self.weighted().figures(np.ones(self.rows)).items() if not math.isnan(value)}

    def weighted(self) -> QuantityFigures:
        """Return the same figures for rows that count several times or not at all, as a bootstrap needs them."""
        return QuantityFigures(self._truth, self._predicted, self.numbers, self.target.coverage, self.weights)

    def beside(self, challenger: Any) -> QuantityPair:
        """Return this champion and a challenger that answered the same rows."""
        return QuantityPair(self, challenger)

    def exact_intervals(self, level: float) -> dict[str, Interval]:
        """Return the confidence intervals that a formula gives, by figure; the others are bootstrapped, and all with weights."""
        exact = self.numbers.shape[1] and self.weights is None
        return {COVERAGE: wilson(int(self.right.sum()), self.rows, level)} if exact else {}

    def mean_error(self, level: float) -> tuple[float, Interval] | None:
        """Return by how much the truth lies above the predictions on average, and the confidence interval of that; None for one row.

        The mean of n residuals is normally distributed (central limit theorem); with weights, the variance is that of a ratio
        (Cochran, Sampling Techniques, 1977, chapter 6).
        """
        if self.rows < 2:
            return None
        weights = np.ones(self.rows) if self.weights is None else self.weights
        residuals, total = self.residuals, weights.sum()
        mean = float(weights @ residuals / total)
        error = math.sqrt(float(np.square(weights * (residuals - mean)).sum())) / total
        reach = NormalDist().inv_cdf((1 + level) / 2) * error
        return mean, (mean - reach, mean + reach)

    def columns(self) -> dict[str, Any]:
        """Return what is written of each row: the truth, the prediction, and the ends of its interval."""
        ends = {name: self.numbers[:, at] for at, name in enumerate(("low", "high")[: self.numbers.shape[1]])}
        weights = {} if self.weights is None else {"weight": self.weights}
        return {"truth": self.truth, "prediction": self.labels} | ends | weights

    def confusion(self) -> list[list[int]]:
        """Return an empty table: numbers are not counted by class."""
        return []

    @property
    def _truth(self) -> Floats:
        return np.asarray(self.truth, dtype=np.float64)

    @property
    def _predicted(self) -> Floats:
        return np.asarray(self.labels, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class QuantityPair:
    """The predictions of champion and challenger for the same rows, in the same order."""

    champion: QuantityEvaluation
    challenger: QuantityEvaluation

    @property
    def disagreeing(self) -> int:
        """How many rows the two predict differently."""
        return int(np.sum(self.champion.residuals != self.challenger.residuals))

    @property
    def better_alone(self) -> tuple[int, int]:
        """For how many rows the champion, and for how many the challenger, is nearer to the outcome."""
        gaps = self._gaps
        return int(np.sum(gaps > 0)), int(np.sum(gaps < 0))

    def effects(self, reach: float) -> dict[str, Estimate | None]:
        """Return the effects that a formula gives, by figure: the mean of the paired differences of the absolute errors.

        The mean of n such differences is normally distributed (central limit theorem) for the 50 rows and more that are judged, and
        `reach` is that of an asymptotic confidence sequence if the comparison is repeated (Waudby-Smith, Arbour, Sinha, Kennedy and
        Ramdas, Annals of Statistics 52, 2024).

        Args:
            reach: How many standard errors the interval that decides the verdict reaches to either side.
        """
        gaps, rows = self._gaps, self.champion.rows
        error = float(gaps.std(ddof=1) / math.sqrt(rows)) if rows > 1 else 0.0
        champion, challenger = (float(np.abs(each.residuals).mean()) for each in (self.champion, self.challenger))
        method = "mean of the paired differences"
        found = normal(ABSOLUTE, champion, challenger, error=error, rows=rows, reach=reach, method=method, lower_is_better=True)
        return {ABSOLUTE: found}

    @property
    def _gaps(self) -> Floats:
        return np.abs(self.challenger.residuals) - np.abs(self.champion.residuals)
