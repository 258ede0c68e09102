"""The writer of the log. A reply is sent only after its lines are committed, so that a killed process loses none.

Callers share the cost of a commit: in SQLite, the event loop commits the entries of one turn together (see `turns`). A thread writes all
other entries, those in its queue in one transaction.
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
from slipway.audit.errors import UNWRITTEN, AuditError, LogLostError, without_details
from slipway.audit.lines import Administered, Answered, Explained, LogEntry, Refused, Shadowed
from slipway.audit.places import log_file, opener, shown
from slipway.audit.subjects.key_file import KeyFile
from slipway.audit.subjects.pseudonyms import Ring
from slipway.audit.turns import Turns

MOST_QUEUED = 200_000
LARGEST_BATCH = 10_000
QUIET = 10.0  # seconds between two log lines about failures
SEALED = "SELECT 1 FROM predictions WHERE pseudonym IS NOT NULL LIMIT 1"

logger = logging.getLogger(__name__)


class AuditLog:
    """The log of one process. Its thread starts at once; `close` writes what is queued and ends it.

    Args:
        home: The home folder, with the keys of subject ids and, without a `url`, the log itself.
        url: `postgresql://...` if the log is there.
        most_queued: Lines that may wait. Beyond this number, requests are refused.
    Raises:
        AuditError: The address is not valid, or its driver is missing. The database is opened for the first line.
    """

    def __init__(self, home: Path, url: str | None = None, *, most_queued: int = MOST_QUEUED) -> None:
        self._place = url or home
        self.file = log_file(self._place)
        self._open = opener(self._place, file=self.file)
        self._keys = KeyFile(home)
        self._store: Store | None = None
        self._backlog = Backlog(most_queued, LARGEST_BATCH)
        self._turns = Turns(opener(self._place, 0.0, self.file), self._queue) if self.file else None
        self._most_unanswered = max(1, most_queued // 2)  # beyond this, only entries are accepted for which a caller waits
        self._overflowed = self._failed = self._admitted = 0
        self._failing_since: float | None = None
        self._reported = float("-inf")
        self._thread = threading.Thread(target=self._write_forever, name="audit", daemon=True)
        self._thread.start()

    @property
    def queued(self) -> int:
        """Lines that wait to be committed."""
        return self._backlog.lines

    def problem(self) -> str | None:
        """Return why nothing can be written, None if the last attempt succeeded and the file is in its place.

        After a failure, this tries to write a line, because a gateway that is not ready may get no request that would.
        """
        if self._failing_since is not None and not self._backlog.lines:
            self._queue(QueuedEntry(Administered("gateway", "could not write the audit log", "nothing was answered meanwhile")))
        if self.file and (why := self.file.problem()):
            return f"the audit log cannot be written: {why}"
        return "the audit log cannot be written" if self._failing_since is not None else None

    @property
    def dropped(self) -> int:
        """Refused requests that were not logged, because there were too many or the database failed."""
        return self._overflowed + self._failed

    def keys_problem(self) -> str | None:
        """Return why requests with subject ids are refused, if the file of their keys was removed."""
        if not self._keys.removed():
            return None
        return f"{self._keys.path.name} was removed, so requests with subject ids are refused. Put it back from a backup."

    async def record(self, entry: Answered | Explained | Administered) -> None:
        """Return when every line of the entry is committed.

        Raises:
            AuditError: The lines could not be written.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._turns and self._turns.take(entry) and not self._backlog.lines and self._failing_since is None:
            self._turns.add(QueuedEntry(entry, done))
        else:
            self._queue(QueuedEntry(entry, done))
        await done

    def refuse(self, refused: Refused) -> None:
        """Queue a refused request, without waiting. For the event loop's thread; a request for which there is no room is counted."""
        if not self._backlog.put(QueuedEntry(refused), self._most_unanswered):
            self._overflowed += 1

    def shadow(self, shadowed: Shadowed) -> asyncio.Future[None] | None:
        """Queue shadows, without waiting. For the event loop's thread.

        Returns:
            A future that ends when they are committed, with an AuditError if they could not be; None if there is no room for them.
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
                answer(taken, written)  # last: a caller that wakes needs the interpreter at once
        self._forget_store()

    def _write(self, taken: list[QueuedEntry]) -> list[bool]:
        """Commit all entries at once or, if the content of one is wrong, each by itself. Return which were written."""
        try:
            self._commit([waiting.entry for waiting in taken])
        except Exception as error:
            wrong_entry = self._is_wrong_entry(error)
            if not isinstance(error, LogLostError):  # else it stays open, to go on with the file if it is put back
                self._forget_store()
            if wrong_entry and len(taken) > 1:
                return [self._write([waiting])[0] for waiting in taken]
            self._report(error, of_the_database=not wrong_entry)
            self._failed += sum(isinstance(waiting.entry, Refused) for waiting in taken)
            return [False] * len(taken)
        self._recovered()
        return [True] * len(taken)

    def _commit(self, entries: list[LogEntry]) -> None:
        if self.file:
            self.file.require()
        store = self._store = self._store or self._open()
        seals = any(entry.seals for entry in entries)
        while True:
            ring = self._ring(store) if seals else None
            batch: dict[Table, list[Row]] = defaultdict(list)
            for entry in entries:
                batch[entry.table] += entry.rows(ring)
            with store.transaction("shared" if seals else None):
                if not seals or self._keys.ring() is ring:  # else the keys were replaced in between, and must not be used
                    store.insert(batch)
                    return

    def _ring(self, store: Store) -> Ring:
        if ring := self._keys.ring():
            return ring
        if store.rows(SEALED):
            raise AuditError(f"{self._keys.path} is missing, but the log has subject ids under its keys: restore the file.")
        return self._keys.created()

    def _is_wrong_entry(self, error: Exception) -> bool:
        """Return whether the error is about the content of an entry, not about the database."""
        if isinstance(error, LogLostError):
            return False
        return isinstance(error, (AuditError, ValueError, TypeError, *(self._store.wrong_lines if self._store else ())))

    def _admit(self) -> None:
        """Log how many refused requests are missing, once the log can be written again."""
        missing = self.dropped - self._admitted
        if missing and self._failing_since is None:
            act = Administered("gateway", "could not log refused requests", f"{missing} of them")
            if self._write([QueuedEntry(act)])[0]:
                self._admitted += missing

    def _report(self, error: Exception, *, of_the_database: bool) -> None:
        now = time.monotonic()
        if of_the_database:
            self._failing_since = self._failing_since or now
        if now - self._reported >= QUIET:
            self._reported = now
            what = "cannot be written" if of_the_database else "does not accept the content of a request"
            logger.error("the audit log %s %s, so nothing is answered: %s", shown(self._place), what, without_details(error))

    def _recovered(self) -> None:
        if self._failing_since is not None:
            logger.warning("the audit log can be written again, after %.1f s", time.monotonic() - self._failing_since)
            self._failing_since, self._reported = None, float("-inf")

    def _forget_store(self) -> None:
        if self._store:
            with suppress(Exception):
                self._store.close()
        self._store = None
