"""The accuracy of two models on the same rows, compared by the discordant rows: one model is right there and the other is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import brentq

EDGE = 1e-12  # the statistic is not defined at differences of exactly -1 and 1


@dataclass(frozen=True, slots=True)
class Discordant:
    """How many of `rows` only the challenger labels correctly, and how many only the champion."""

    rows: int
    challenger: int
    champion: int

    @property
    def difference(self) -> float:
        """The challenger's accuracy less the champion's."""
        return (self.challenger - self.champion) / self.rows

    @property
    def deviations(self) -> tuple[float, float]:
        """The standard deviations of one row's part in the difference: if the models are equally good, and if they differ as measured."""
        share = (self.challenger + self.champion) / self.rows
        return math.sqrt(share), math.sqrt(max(0.0, share - self.difference**2))

    @property
    def p_value(self) -> float:
        """McNemar's exact test (Psychometrika 12, 1947): how likely such discordant rows are if each model is as often the right one."""
        from statsmodels.stats.contingency_tables import mcnemar

        return float(mcnemar([[0, self.challenger], [self.champion, 0]], exact=True).pvalue) if self.challenger + self.champion else 1.0

    def interval(self, reach: float) -> tuple[float, float]:
        """Return Tango's score interval of the difference (Statistics in Medicine 17, 1998, 891-908).

        It keeps its level with few rows too, and has a width even without discordant rows.

        Args:
            reach: How many standard deviations to either side; 1.96 for a 95 % interval.
        """
        measured = self.difference
        low = -1.0 if measured <= EDGE - 1 else _root(lambda at: self._distance(at) - reach, EDGE - 1, measured)
        high = 1.0 if measured >= 1 - EDGE else _root(lambda at: self._distance(at) + reach, measured, 1 - EDGE)
        return low, high

    def _distance(self, assumed: float) -> float:
        """Return how many standard deviations the difference is above an assumed one, with the other share at its likeliest value."""
        rows, only, other = self.rows, self.challenger, self.champion
        linear = -only - other + (2 * rows - only + other) * assumed
        constant = -other * assumed * (1 - assumed)
        likeliest = (math.sqrt(max(0.0, linear**2 - 8 * rows * constant)) - linear) / (4 * rows)
        variance = rows * (2 * likeliest + assumed * (1 - assumed))
        above = only - other - rows * assumed
        return above / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, above) if above else 0.0


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a falling function is 0; if rounding hides the change of sign, the nearer end of the range."""
    if function(low) <= 0:
        return low
    if function(high) >= 0:
        return high
    return float(brentq(function, low, high, xtol=1e-10))
