"""A sliding window over two fixed ones, in memory: what came in this window, and a share of the one before.

The formula is that of `limits.strategies.SlidingWindowCounterRateLimiter`. A whole window is dropped when it is over, so memory is
bounded by the keys of two windows, and no key is ever looked at twice to be forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Callable

MOST_KEYS = 100_000  # about 10 MB; whoever comes beyond that in one window shares one count
OTHERS = "the others"


class Windows:
    """How often each key came. For one thread."""

    def __init__(self, limit: int, seconds: int, clock: Callable[[], float] = time.time) -> None:
        self._limit, self._seconds, self._clock = limit, seconds, clock
        self._number = 0
        self._now: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def hit(self, key: str) -> tuple[int, float]:
        """Count a request, if it may come; return how many more may, and the seconds to wait when this one may not."""
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
        """Return after how many seconds the weighted count falls below the limit."""
        left = self._seconds - age
        if count < self._limit and before:  # in this window, when enough of the one before has gone: before * share < limit - count
            return max(0.001, left - (self._limit - count) / before * self._seconds)
        return left + self._seconds * max(0.0, 1 - self._limit / max(count, 1))  # in the next one, where this one has the weight
