"""What one turn of the event loop brought is committed by that loop itself: no other thread has to wake, and callers share a commit.

That is quicker than the writer's thread as long as nobody else writes; whenever it does not succeed at once, the thread takes over, which
waits, tries again, and says what is wrong.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress

from slipway.audit.backlog import QueuedEntry
from slipway.audit.databases.tables import Row, Store, Table
from slipway.audit.lines import LogEntry

MOST_LINES = 2_000  # of one entry: to encode more would hold up the loop


class Turns:
    """For the event loop's thread.

    Args:
        opened: Opens the log's database so that it waits for nobody.
        hand_on: Gives an entry to the writer's thread.
    """

    def __init__(self, opened: Callable[[], Store], hand_on: Callable[[QueuedEntry], None]) -> None:
        self._opened, self._hand_on = opened, hand_on
        self._store: Store | None = None
        self._waiting: list[QueuedEntry] = []

    @staticmethod
    def take(entry: LogEntry) -> bool:
        """Tell whether an entry is one for here: short, and without subject ids, whose keys the thread looks after."""
        return entry.size <= MOST_LINES and not entry.seals

    def add(self, waiting: QueuedEntry) -> None:
        """Have an entry committed at the loop's next turn, with those that come in this one."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.commit)
        self._waiting.append(waiting)

    def commit(self, *, here: bool = True) -> None:
        """Commit what waits, or hand it on, and wake those who wait for it."""
        taken, self._waiting = self._waiting, []
        if not taken:
            return
        if not (here and self._commit([waiting.entry for waiting in taken])):
            for waiting in taken:
                self._hand_on(waiting)
            return
        for waiting in taken:
            if waiting.done and not waiting.done.done():  # else its caller went away
                waiting.done.set_result(None)

    def close(self) -> None:
        """Let go of the database."""
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
        except Exception:  # whatever it is: the thread meets it too, and tells
            self.close()
            return False
        return True
