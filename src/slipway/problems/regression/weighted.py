"""Every figure of an evaluation, for rows that count several times or not at all.

The tests compare each figure with scikit-learn's on the repeated rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from slipway.problems.regression.target import R2, RELATIVE
from slipway.records import Metrics

Array = npt.NDArray[np.float64]

COVERAGE, WIDTH, PINBALL = "interval_coverage", "interval_width", "mean_pinball_loss"


@dataclass(frozen=True)
class QuantityFigures:
    """The figures of n predictions under n weights.

    `intervals` are their (n, 2) ends, or (n, 0) if there are none; `coverage` is the share of the outcomes that they should include.
    `own`: the weights that the rows have anyway; they are multiplied by those of `figures`.
    """

    truth: Array
    predictions: Array
    intervals: Array
    coverage: float
    own: Array | None = None

    def figures(self, weights: Array) -> Metrics:
        """Return every figure; NaN where the rows do not define one.

        Args:
            weights: (n,) how often each row counts, >= 0.
        """
        weights = weights if self.own is None else weights * self.own
        total = weights.sum()
        errors = self._errors
        spread = weights @ (self.truth - _mean(self.truth, weights)) ** 2
        squared = float(weights @ errors**2)
        found = {
            R2: 1 - squared / spread if spread > 0 else float("nan"),
            "mean_absolute_error": _mean(errors, weights),
            "median_absolute_error": self._median(weights),
            "root_mean_squared_error": float(np.sqrt(squared / total)) if total else float("nan"),
            RELATIVE: float("nan") if (self.truth == 0).any() else _mean(errors / np.abs(self.truth), weights),
        }
        return {name: float(value) for name, value in (found | self._of_intervals(weights)).items()}

    def figure(self, name: str, weights: Array) -> float:
        """Return one of them."""
        return self.figures(weights)[name]

    def _of_intervals(self, weights: Array) -> Metrics:
        if not self.intervals.shape[1]:
            return {}
        low, high = self.intervals.T
        within = (self.truth >= low) & (self.truth <= high)
        outside = (1 - self.coverage) / 2
        losses = [_pinball(self.truth - end, level) for end, level in ((low, outside), (high, 1 - outside))]
        return {
            COVERAGE: _mean(within.astype(np.float64), weights),
            WIDTH: _mean(high - low, weights),
            PINBALL: _mean((losses[0] + losses[1]) / 2, weights),
        }

    def _median(self, weights: Array) -> float:
        """Return the median of the rows repeated by their weights: the mean of the two in the middle if their number is even."""
        order = self._order
        counted = weights[order].cumsum()
        if not len(order) or not counted[-1]:
            return float("nan")
        half = counted[-1] / 2
        sides = (int(np.searchsorted(counted, half, side=side)) for side in ("left", "right"))
        return float(np.mean([self._errors[order[min(at, len(order) - 1)]] for at in sides]))

    @cached_property
    def _errors(self) -> Array:
        return np.abs(self.truth - self.predictions)

    @cached_property
    def _order(self) -> npt.NDArray[np.intp]:
        return np.argsort(self._errors, kind="stable")


def _pinball(above: Array, level: float) -> Array:
    """Return the pinball loss of each row for a predicted quantile (Koenker and Bassett, Econometrica 46, 1978)."""
    return np.maximum(level * above, (level - 1) * above)


def _mean(values: Array, weights: Array) -> float:
    total = weights.sum()
    return float(weights @ values / total) if total else float("nan")
