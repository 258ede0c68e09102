"""How wide a 95 % interval must be if it is read once, or if it is read repeatedly while rows come in."""

from __future__ import annotations

import math

from scipy.stats import norm

from slipway.problems.estimates import LEVEL, ONCE

POWER = 0.80
SURE = float(norm.ppf(POWER))  # standard deviations beyond the interval, for a difference to be found with this power
TIGHTEST = 500  # rows; the repeated interval is made narrowest at this number


def repeatedly(rows: int) -> float:
    """Return how many standard errors the interval reaches when it is read at every number of rows: all readings together keep 95 %.

    The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (Annals of Statistics 52, 2024, theorem 2.2);
    its parameter is set by their equation for the tightest place. About 3 from 200 to 2,000 rows; a 95 % interval reaches 1.96.
    """
    spread = (2 * math.log(1 / (1 - LEVEL)) + math.log(2 * math.log(1 / (1 - LEVEL)) + 1)) / TIGHTEST * rows
    return math.sqrt((spread + 1) / spread * math.log((spread + 1) / (1 - LEVEL) ** 2))


def reach(rows: int, repeated: bool) -> float:
    """Return how many standard errors the interval reaches."""
    return repeatedly(rows) if repeated else ONCE


def rows_needed(difference: float, deviations: tuple[float, float], rows: int, repeated: bool) -> int | None:
    """Return how many rows are needed, beyond the `rows` at hand, to find a difference with 80 % power.

    For shares it is the sample size of McNemar's test (Connor, Biometrics 43, 1987).

    Args:
        deviations: The standard deviation of one row's part in the difference: first if the true difference is 0, then if it is as given.
    Returns:
        None if the difference is 0: no number of rows would show it.
    """
    if difference == 0:
        return None
    none, given = deviations
    total = rows
    for _ in range(20):  # the reach grows slowly with the rows, so this settles within a few steps
        wanted = math.ceil(((reach(total, repeated) * none + SURE * given) / difference) ** 2)
        if wanted == total:
            break
        total = max(wanted, 1)
    return max(0, total - rows)
