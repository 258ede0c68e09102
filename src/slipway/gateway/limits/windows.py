"""A sliding window in memory: the requests of this fixed window, and a share of those of the window before.

The formula is that of `limits.strategies.SlidingWindowCounterRateLimiter`. A window is dropped as a whole when it is over, so that memory
is bounded by the keys of two windows, and no key is visited only to be removed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

MOST_KEYS = 100_000  # about 10 MB; all further keys of one window share one count
OTHERS = "the others"


class Windows:
    """The requests of each key. For one thread."""

    def __init__(self, limit: int, seconds: int, clock: Callable[[], float] = time.time) -> None:
        self._limit, self._seconds, self._clock = limit, seconds, clock
        self._number = 0
        self._now: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def hit(self, key: str) -> tuple[int, float]:
        """Count a request that is allowed. Return how many are left, and the seconds to wait if this one is refused."""
        number, age = divmod(self._clock(), self._seconds)
        if number != self._number:
            self._turn(int(number))
        if len(self._now) >= MOST_KEYS and key not in self._now:
            key = OTHERS
        count, before = self._now.get(key, 0), self._before.get(key, 0)
        weighted = int(before * (1 - age / self._seconds) + count)
        if weighted >= self._limit:
            return 0, self._wait(count, before, age)
        self._now[key] = count + 1
        return self._limit - weighted - 1, 0.0

    def _turn(self, number: int) -> None:
        self._before = self._now if number == self._number + 1 else {}
        self._now = {}
        self._number = number

    def _wait(self, count: int, before: int, age: float) -> float:
        """Return the seconds until the weighted count falls below the limit."""
        left = self._seconds - age
        if count < self._limit and before:  # in this window, as soon as before * share < limit - count
            return max(0.001, left - (self._limit - count) / before * self._seconds)
        return left + self._seconds * max(0.0, 1 - self._limit / max(count, 1))  # in the next window, in which this one has the weight
