"""Limits of the requests in work and of the requests that wait for a place. The next one gets a 503 with Retry-After."""

from __future__ import annotations

import asyncio
from collections import deque

from slipway.gateway.replies import unavailable


class Places:
    """The places of one worker, for its event loop. `async with places:` costs about a microsecond while one is free."""

    def __init__(self, most: int, queue: int) -> None:
        self._most, self._queue = most, queue
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.busy = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def __aenter__(self) -> None:
        """Take a place, or wait for one.

        Raises:
            RequestError: 503 with Retry-After: the queue is full.
        """
        if self.busy < self._most:
            self.busy += 1
            return
        if len(self._waiting) >= self._queue:
            raise unavailable(f"{self.busy} requests are in work and {len(self._waiting)} wait; try again in a second.", retry_after=1)
        await self._wait()

    async def __aexit__(self, *_: object) -> None:
        self._pass_on()

    async def _wait(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()  # it got a place in the moment in which it was cancelled
            else:
                self._waiting.remove(turn)
            raise

    def _pass_on(self) -> None:
        """Give the place to the request that waits longest, so that `busy` stays the same, or free it."""
        if self._waiting:
            self._waiting.popleft().set_result(None)
        else:
            self.busy -= 1
