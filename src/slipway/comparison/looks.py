"""How far an interval must reach so that it may be looked at once, or again and again while rows come in."""

from __future__ import annotations

import math

from scipy.stats import norm

LEVEL, POWER = 0.95, 0.80
ONCE = float(norm.ppf((1 + LEVEL) / 2))
SURE = float(norm.ppf(POWER))  # standard deviations beyond the interval's reach, for a difference to be found with this power
TIGHTEST = 500  # rows; there the interval that may be looked at again and again is as narrow as it can be made


def again_and_again(rows: int) -> float:
    """Return how many standard errors an interval reaches that holds at all numbers of rows together, with the level of one.

    The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (Annals of Statistics 52, 2024, theorem 2.2),
    its parameter set by their equation for the tightest place. About 3 from 200 to 2,000 rows; a 95 % interval reaches 1.96.
    """
    spread = (2 * math.log(1 / (1 - LEVEL)) + math.log(2 * math.log(1 / (1 - LEVEL)) + 1)) / TIGHTEST * rows
    return math.sqrt((spread + 1) / spread * math.log((spread + 1) / (1 - LEVEL) ** 2))


def reach(rows: int, repeated: bool) -> float:
    """Return how many standard errors an interval reaches, for one look or for repeated ones."""
    return again_and_again(rows) if repeated else ONCE


def rows_needed(difference: float, deviations: tuple[float, float], rows: int, repeated: bool) -> int | None:
    """Return how many rows it takes to find a difference with 80 % power, as many more as there would have to be than `rows`.

    For shares it is the sample size of McNemar's test (Connor, Biometrics 43, 1987).

    Args:
        deviations: The standard deviation of one row's part in the difference, if there is none, and if it is as given.
    Returns:
        None where no number of rows would do, because there is no difference.
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
