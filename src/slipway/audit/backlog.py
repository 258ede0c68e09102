"""The entries that wait to be written. Their number is bounded, so that a slow disk does not fill the memory."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import NamedTuple

from slipway.audit.errors import UNWRITTEN, AuditError
from slipway.audit.lines import LogEntry


class QueuedEntry(NamedTuple):
    """An entry, and the future of the caller who waits for it, if any."""

    entry: LogEntry
    done: asyncio.Future[None] | None = None


class Backlog:
    """A queue for any number of threads that put and one that takes. Its size is in lines; they count until `settled`."""

    def __init__(self, most: int, batch: int) -> None:
        self._most = most
        self._batch = batch
        self._queue: SimpleQueue[QueuedEntry | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self.lines = 0

    def put(self, waiting: QueuedEntry, most: int | None = None) -> bool:
        """Queue an entry, unless there would be more than `most` lines. An empty queue accepts an entry of any size."""
        size = waiting.entry.size
        with self._lock:
            if self._closed or (self.lines and self.lines + size > (most or self._most)):
                return False
            self.lines += size
            self._queue.put(waiting)
        return True

    def take(self) -> tuple[list[QueuedEntry], bool]:
        """Wait for an entry. Return it and the entries queued since, up to a batch, and whether the queue is closed and empty."""
        taken: list[QueuedEntry] = []
        lines = 0
        item = self._queue.get()
        while item:
            taken.append(item)
            lines += item.entry.size
            if lines >= self._batch:
                return taken, False
            try:
                item = self._queue.get_nowait()
            except Empty:
                return taken, False
        return taken, True

    def settled(self, taken: list[QueuedEntry]) -> None:
        with self._lock:
            self.lines -= sum(item.entry.size for item in taken)

    def close(self) -> None:
        """Accept no more entries; those in the queue can still be taken."""
        with self._lock:
            self._closed = True
            self._queue.put(None)


def answer(taken: list[QueuedEntry], written: list[bool]) -> None:
    """Wake the waiting callers, each event loop once."""
    ends: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[None], bool]]] = defaultdict(list)
    for waiting, success in zip(taken, written, strict=True):
        if waiting.done:
            ends[waiting.done.get_loop()].append((waiting.done, success))
    for loop, its_ends in ends.items():
        with suppress(RuntimeError):  # the loop is closed, so no caller waits
            loop.call_soon_threadsafe(_settle, its_ends)


def _settle(ends: list[tuple[asyncio.Future[None], bool]]) -> None:
    for done, success in ends:
        if done.done():  # its caller is gone
            continue
        if success:
            done.set_result(None)
        else:
            done.set_exception(AuditError(UNWRITTEN))
