"""Rates counted in Redis, by the library `limits`: one count for all workers and hosts."""

from __future__ import annotations

import asyncio
import time

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

PATIENCE = 0.25  # seconds; Redis answers in under a millisecond, or not at all


class SharedWindows:
    """Sliding windows in Redis."""

    def __init__(self, url: str) -> None:
        storage = RedisStorage(
            url, implementation="redispy", key_prefix="slipway", socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE
        )
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    async def hit(self, kind: str, key: str, rate: tuple[int, int]) -> tuple[int, float]:
        """Return how many requests are left, and the seconds to wait if this one is refused.

        Raises:
            Exception: Redis does not answer within a quarter of a second. Its client decides the type of the error.
        """
        item = RateLimitItemPerSecond(rate[0], rate[1])
        async with asyncio.timeout(PATIENCE):
            allowed = await self._limiter.hit(item, kind, key)
            stats = await self._limiter.get_window_stats(item, kind, key)
        return (stats.remaining, 0.0) if allowed else (0, max(0.001, stats.reset_time - time.time()))
