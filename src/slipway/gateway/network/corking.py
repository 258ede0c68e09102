"""Send an answer in one piece. uvicorn writes its head and its body separately, and each write wakes the caller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

CONTINUE = b"HTTP/1.1 100 "
ENOUGH = 256 * 1024  # bytes; a larger answer is sent in parts


class Corked:
    """A transport that buffers one answer until it is complete."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        if data.startswith(CONTINUE):  # the caller waits for this before it sends its body
            self._transport.write(data)
            return
        self._parts.append(data)
        self._size += len(data)
        if self._size > ENOUGH:
            self.flush()

    def flush(self) -> None:
        if self._parts:
            parts, self._parts, self._size = self._parts, [], 0
            self._transport.write(b"".join(parts))

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def then(self, complete: Callable[[], None]) -> Callable[[], None]:
        """Return a function that flushes and then calls `complete`, for when the answer is complete."""

        def done() -> None:
            self.flush()
            complete()

        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
