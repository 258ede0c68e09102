"""Reads of files that may hang, as on a mount whose server is gone: each has a time limit and a thread of its own."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from slipway.errors import SlipwayError

PATIENCE = 60.0  # seconds that one read of a bundle may take, imports included
T = TypeVar("T")


class HangingError(SlipwayError):
    """A file does not answer, as on a mount whose server is gone."""


class Readers:
    """Reads, each in a thread of its own: one that hangs holds up neither another read, nor the end of the process."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._reading: set[str] = set()

    async def read(self, name: str, work: Callable[[], T]) -> T:
        """Return what `work` returns. It goes on when its time is over; until it ends, no other read of that name begins.

        Raises:
            HangingError: It takes too long, or the one before still hangs.
        """
        if name in self._reading:
            raise HangingError(f"{name} cannot be read: an earlier read has not ended. Look at the disk or mount it is on.")
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()

        def ended() -> T:
            try:
                return work()
            finally:
                self._reading.discard(name)

        self._reading.add(name)
        threading.Thread(target=_settle, args=(loop, result, ended), name=name, daemon=True).start()
        try:
            return await asyncio.wait_for(result, self._patience)
        except TimeoutError:
            if result.done() and not result.cancelled():
                raise  # its own
            raise HangingError(f"{name} was not read within {self._patience:.0f} s. Look at the disk or mount it is on.") from None


def _settle(loop: asyncio.AbstractEventLoop, result: asyncio.Future[T], work: Callable[[], T]) -> None:
    try:
        value = work()
    except Exception as error:
        settle, content = result.set_exception, error
    else:
        settle, content = result.set_result, value  # type: ignore[assignment]
    with suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(lambda: None if result.done() else settle(content))


def require_regular(path: Path) -> None:
    """Raise OSError unless a path is a regular file: a pipe would wait for a writer, and go on waiting when it is removed."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "expected a regular file, received another kind", str(path))
