"""Commits in the event loop's own thread: the entries of one turn share a commit, and no other thread has to wake.

This is faster than the writer's thread as long as no other process writes. If a commit fails, the thread takes the entries: it waits, tries
again, and logs what is wrong.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress

from slipway.audit.backlog import QueuedEntry
from slipway.audit.databases.tables import Row, Store, Table
from slipway.audit.errors import LogLostError
from slipway.audit.lines import LogEntry

MOST_LINES = 2_000  # of one entry: encoding more would block the loop


class Turns:
    """The entries of the current turn. For the event loop's thread.

    Args:
        opened: Opens the log's database without waiting for other writers.
        hand_on: Gives an entry to the writer's thread.
    """

    def __init__(self, opened: Callable[[], Store], hand_on: Callable[[QueuedEntry], None]) -> None:
        self._opened, self._hand_on = opened, hand_on
        self._store: Store | None = None
        self._waiting: list[QueuedEntry] = []

    @staticmethod
    def take(entry: LogEntry) -> bool:
        """Return whether to commit an entry here: a short one without subject ids, whose keys only the thread uses."""
        return entry.size <= MOST_LINES and not entry.seals

    def add(self, waiting: QueuedEntry) -> None:
        """Commit an entry at the loop's next turn, with all entries of this turn."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.commit)
        self._waiting.append(waiting)

    def commit(self, *, here: bool = True) -> None:
        """Commit the waiting entries and wake their callers, or give them to the writer's thread."""
        taken, self._waiting = self._waiting, []
        if not taken:
            return
        if not (here and self._commit([waiting.entry for waiting in taken])):
            for waiting in taken:
                self._hand_on(waiting)
            return
        for waiting in taken:
            if waiting.done and not waiting.done.done():  # else its caller is gone
                waiting.done.set_result(None)

    def close(self) -> None:
        """Close the database."""
        if self._store:
            with suppress(sqlite3.Error):
                self._store.close()
        self._store = None

    def _commit(self, entries: list[LogEntry]) -> bool:
        try:
            store = self._store = self._store or self._opened()
            batch: dict[Table, list[Row]] = defaultdict(list)
            for entry in entries:
                batch[entry.table] += entry.rows(None)
            with store.transaction():
                store.insert(batch)
        except LogLostError:  # the store stays open, to go on with the file if it is put back
            return False
        except Exception:  # of any kind: the thread meets it too, and logs it
            self.close()
            return False
        return True
