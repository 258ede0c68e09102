"""The end of a connection after its last answer: closing at once could destroy the answer on its way while the caller still sends."""

from __future__ import annotations

import asyncio

from slipway.gateway.bodies.sizes import ALLOWED

LINGER = 2.0  # seconds without a byte, after which the caller has the answer


class Ending:
    """Reads on and throws away what comes, until the caller is silent, has sent as much as the largest body, or for `seconds` at most."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._transport, self._loop = transport, loop
        self._heard = loop.time()
        self._latest = self._heard + seconds
        self._taken = 0
        if transport.can_write_eof():  # not with TLS
            transport.write_eof()
        loop.call_later(LINGER, self._look)

    def take(self, size: int) -> None:
        """Note that so many bytes came."""
        self._heard = self._loop.time()
        self._taken += size
        if self._taken > ALLOWED.body:
            self._transport.abort()

    def _look(self) -> None:
        if self._loop.time() < min(self._heard + LINGER, self._latest):
            self._loop.call_later(LINGER, self._look)
        else:
            self._transport.close()
