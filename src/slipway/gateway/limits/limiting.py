"""The rate of one caller and of one address: a sliding window, counted in memory or in Redis.

The in-memory storage of the library `limits` looks at every key in every turn of the event loop: 6 ms a request with 20,000 addresses,
measured. So `windows` applies the library's formula itself; only Redis is counted by the library. Without Redis, the limits are per worker.
"""

from __future__ import annotations

import logging
import math
import time
from typing import Protocol

from slipway.access.networks import network_of
from slipway.gateway.limits.windows import Windows
from slipway.gateway.replies import Header, RequestError

TOO_MANY_REQUESTS = "REQUEST_LIMIT_EXCEEDED"
TRY_AGAIN_AFTER = 5.0

logger = logging.getLogger(__name__)
Rate = tuple[int, int]


def _headers(limit: int, remaining: int) -> tuple[Header, ...]:
    return ((b"ratelimit-limit", b"%d" % limit), (b"ratelimit-remaining", b"%d" % remaining))


class Shared(Protocol):
    """A count that several workers and hosts share."""

    async def hit(self, kind: str, key: str, rate: Rate) -> tuple[int, float]: ...


class Limits:
    """The rates of one worker. The two calls of a request take a few microseconds in memory, or a round trip to Redis."""

    def __init__(self, per_caller: Rate, per_address: Rate, storage: str = "memory://") -> None:
        self._rates = {"caller": per_caller, "address": per_address}
        self._windows = {kind: Windows(*rate) for kind, rate in self._rates.items()}
        self._shared = _shared(storage)
        self._again = 0.0
        self.error: str | None = None

    async def caller(self, name: str) -> tuple[Header, ...]:
        """Count a request of a caller, and return headers for its reply.

        Raises:
            RequestError: 429 with Retry-After, the rate is exceeded.
        """
        remaining = await self._hit("caller", name)
        return _headers(self._rates["caller"][0], remaining)

    async def address(self, address: str) -> None:
        """Count a request from an address, or from the /64 network of an IPv6 address. Call it before the caller is identified.

        Raises:
            RequestError: 429 with Retry-After, the rate is exceeded.
        """
        await self._hit("address", network_of(address))

    async def _hit(self, kind: str, key: str) -> int:
        """Return how many requests are left."""
        if self._shared is not None and time.monotonic() >= self._again:
            remaining, wait = await self._ask(self._shared, kind, key, self._rates[kind])
        else:
            remaining, wait = self._windows[kind].hit(key)
        if wait:
            raise _refusal(kind, self._rates[kind], wait)
        return remaining

    async def _ask(self, shared: Shared, kind: str, key: str, rate: Rate) -> tuple[int, float]:
        try:
            found = await shared.hit(kind, key, rate)
        except Exception as error:  # any error of a client library: answers must not depend on the count
            self._lost(error)
            return self._windows[kind].hit(key)
        if self.error:
            logger.info("the shared storage of rate limits answers again")
            self.error = None
        return found

    def _lost(self, error: Exception) -> None:
        self._again = time.monotonic() + TRY_AGAIN_AFTER
        if self.error is None:
            logger.error("the shared storage of rate limits does not answer (%s); each worker counts for itself until it does", error)
        self.error = f"the shared storage of rate limits does not answer ({type(error).__name__})"


def _refusal(kind: str, rate: Rate, wait: float) -> RequestError:
    seconds = max(1, math.ceil(wait))
    message = f"expected at most {rate[0]:,} requests in {rate[1]:,} s from one {kind}, received more; try again in {seconds} s."
    reset = b"%d" % seconds
    headers = (*_headers(rate[0], 0), (b"ratelimit-reset", reset), (b"retry-after", reset))
    return RequestError(429, TOO_MANY_REQUESTS, message, headers=headers)


def _shared(storage: str) -> Shared | None:
    if storage.startswith("memory:"):
        return None
    from slipway.gateway.limits.shared_windows import SharedWindows

    return SharedWindows(storage)
