"""Whether a connection is read at the moment, and whether it can be written."""

from __future__ import annotations

import asyncio


class Flow:
    """The flow of one connection in both directions. Calling any of its functions twice changes nothing."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._drained: asyncio.Future[None] | None = None
        self.paused = False

    def pause_reading(self) -> None:
        if not self.paused:
            self.paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self.paused:
            self.paused = False
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        if self._drained is None:
            self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    async def writable(self) -> None:
        """Wait while the caller does not take what was written."""
        if self._drained is not None:
            await self._drained
