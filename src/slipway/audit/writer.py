"""The writer of the log: a reply leaves only after its lines are committed, so killing the process loses none.

Callers share the cost of a commit: in SQLite, what one turn of the event loop brought is committed by it (see `turns`). What that
cannot do, one thread does: whatever is queued goes into one transaction.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from slipway.audit.backlog import Backlog, QueuedEntry, answer
from slipway.audit.databases.tables import Row, Store, Table
from slipway.audit.errors import UNWRITTEN, AuditError, told
from slipway.audit.lines import Administered, Answered, LogEntry, Refused, Shadowed
from slipway.audit.places import opener, shown, sqlite_path
from slipway.audit.subjects.key_file import KeyFile
from slipway.audit.subjects.pseudonyms import Ring
from slipway.audit.turns import Turns

MOST_QUEUED = 200_000
LARGEST_BATCH = 10_000
QUIET = 10.0  # seconds between two complaints about the same trouble
SEALED = "SELECT 1 FROM predictions WHERE pseudonym IS NOT NULL LIMIT 1"

logger = logging.getLogger(__name__)


class AuditLog:
    """The log of one process. Its thread starts at once; `close` writes what is queued and ends it.

    Args:
        home: Folder of the state; it holds the keys of subject ids and, without an address, the log itself.
        url: `postgresql://...` to log there instead.
        most_queued: Lines that may wait. While there are more, nothing is answered.
    Raises:
        AuditError: The address is none, or the driver it needs is missing. Whether the database answers shows at the first line.
    """

    def __init__(self, home: Path, url: str | None = None, *, most_queued: int = MOST_QUEUED) -> None:
        self._place = url or home
        self._open = opener(self._place)
        self._keys = KeyFile(home)
        self._store: Store | None = None
        self._backlog = Backlog(most_queued, LARGEST_BATCH)
        self._turns = Turns(opener(self._place, 0.0), self._queue) if sqlite_path(self._place) else None
        self._most_unanswered = max(1, most_queued // 2)  # beyond this there is room only for what somebody waits for
        self._overflowed = self._failed = self._admitted = 0
        self._failing_since: float | None = None
        self._complained = float("-inf")
        self._thread = threading.Thread(target=self._write_forever, name="audit", daemon=True)
        self._thread.start()

    @property
    def queued(self) -> int:
        """Lines that wait to be committed."""
        return self._backlog.lines

    @property
    def failing(self) -> bool:
        """Whether the database took nothing at the last attempt."""
        return self._failing_since is not None

    @property
    def dropped(self) -> int:
        """Refused requests that were not logged, because there were too many or the database failed."""
        return self._overflowed + self._failed

    async def record(self, entry: Answered | Administered) -> None:
        """Return when every line of the entry is committed.

        Raises:
            AuditError: They could not be written, and were not.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._turns and self._turns.take(entry) and not self._backlog.lines:
            self._turns.add(QueuedEntry(entry, done))
        else:
            self._queue(QueuedEntry(entry, done))
        await done

    def refuse(self, refused: Refused) -> None:
        """Have a refused request logged, without waiting. For the event loop's thread; what cannot be logged is counted."""
        if not self._backlog.put(QueuedEntry(refused), self._most_unanswered):
            self._overflowed += 1

    def shadow(self, shadowed: Shadowed) -> asyncio.Future[None] | None:
        """Have answers that nobody gets logged, without waiting. For the event loop's thread.

        Returns:
            What ends when they are committed, with an AuditError when they could not be; None when there is no room for them.
        """
        done = asyncio.get_running_loop().create_future()
        return done if self._backlog.put(QueuedEntry(shadowed, done), self._most_unanswered) else None

    def close(self) -> None:
        if self._turns:
            self._turns.commit(here=False)
            self._turns.close()
            self._turns = None
        self._backlog.close()
        self._thread.join()

    def _queue(self, waiting: QueuedEntry) -> None:
        if not self._backlog.put(waiting) and waiting.done and not waiting.done.done():
            waiting.done.set_exception(AuditError(UNWRITTEN))

    def _write_forever(self) -> None:
        last = False
        while not last:
            taken, last = self._backlog.take()
            if taken:
                written = self._write(taken)
                self._backlog.settled(taken)
                self._admit()
                answer(taken, written)  # last: whoever wakes wants the interpreter at once
        self._forget_store()

    def _write(self, taken: list[QueuedEntry]) -> list[bool]:
        """Commit them all at once; when what one of them holds is at fault, each by itself. Return which were written."""
        try:
            self._commit([waiting.entry for waiting in taken])
        except Exception as error:
            at_fault = self._at_fault(error)
            self._forget_store()
            if at_fault and len(taken) > 1:
                return [self._write([waiting])[0] for waiting in taken]
            self._complain(error, of_the_database=not at_fault)
            self._failed += sum(isinstance(waiting.entry, Refused) for waiting in taken)
            return [False] * len(taken)
        self._recovered()
        return [True] * len(taken)

    def _commit(self, entries: list[LogEntry]) -> None:
        store = self._store = self._store or self._open()
        seals = any(entry.seals for entry in entries)
        while True:
            ring = self._ring(store) if seals else None
            batch: dict[Table, list[Row]] = defaultdict(list)
            for entry in entries:
                batch[entry.table] += entry.rows(ring)
            with store.transaction("shared" if seals else None):
                if not seals or self._keys.ring() is ring:  # else they were replaced meanwhile, and must not be used any more
                    store.insert(batch)
                    return

    def _ring(self, store: Store) -> Ring:
        if ring := self._keys.ring():
            return ring
        if store.rows(SEALED):
            raise AuditError(f"{self._keys.path} is missing, but the log holds subject ids under its keys: restore the file.")
        return self._keys.created()

    def _at_fault(self, error: Exception) -> bool:
        """Tell whether the error is about what was to be written rather than about the database."""
        return isinstance(error, (AuditError, ValueError, TypeError, *(self._store.wrong_lines if self._store else ())))

    def _admit(self) -> None:
        """Log that refused requests are missing in the log, once it can be written again."""
        missing = self.dropped - self._admitted
        if missing and self._failing_since is None:
            act = Administered("gateway", "could not log refused requests", f"{missing} of them")
            if self._write([QueuedEntry(act)])[0]:
                self._admitted += missing

    def _complain(self, error: Exception, *, of_the_database: bool) -> None:
        now = time.monotonic()
        if of_the_database:
            self._failing_since = self._failing_since or now
        if now - self._complained >= QUIET:
            self._complained = now
            what = "cannot be written" if of_the_database else "does not take what a request holds"
            logger.error("the audit log %s %s, so nothing is answered: %s", shown(self._place), what, told(error))

    def _recovered(self) -> None:
        if self._failing_since is not None:
            logger.warning("the audit log can be written again, after %.1f s", time.monotonic() - self._failing_since)
            self._failing_since, self._complained = None, float("-inf")

    def _forget_store(self) -> None:
        if self._store:
            with suppress(Exception):
                self._store.close()
        self._store = None
