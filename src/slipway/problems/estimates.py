"""An effect of a challenger against a champion, as every kind of problem estimates it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from slipway.records import Effect

LEVEL = 0.95
ONCE = NormalDist().inv_cdf((1 + LEVEL) / 2)  # standard errors that a 95 % interval reaches


@dataclass(frozen=True, slots=True)
class Estimate:
    """An effect, the interval that decides the verdict, and the standard deviations of one row's part in the difference."""

    effect: Effect
    interval: tuple[float, float]
    deviations: tuple[float, float]


def normal(
    figure: str, champion: float, challenger: float, *, error: float, rows: int, reach: float, method: str, lower_is_better: bool = False
) -> Estimate:
    """Return an effect whose estimate is normally distributed with the standard error.

    Args:
        reach: How many standard errors the interval that decides the verdict reaches to either side.
    """
    from scipy.stats import norm  # not above: commands that show a comparison need LEVEL only; scipy.stats takes a second to import

    gap = challenger - champion
    effect = Effect(
        figure=figure,
        champion=champion,
        challenger=challenger,
        difference=gap,
        low=gap - ONCE * error,
        high=gap + ONCE * error,
        p_value=float(2 * norm.sf(abs(gap) / error)) if error else float(gap == 0),
        method=method,
        lower_is_better=lower_is_better,
    )
    return Estimate(effect, (gap - reach * error, gap + reach * error), (error * math.sqrt(rows),) * 2)
