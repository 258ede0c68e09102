"""The writer of outcomes: a thread, because looking up ten thousand predictions would block the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from slipway.audit.databases.log_file import LogFile
from slipway.audit.databases.tables import Store
from slipway.audit.errors import UNWRITTEN, AuditError, LogLostError, is_database_error, without_details
from slipway.audit.outcomes import Claim, OutcomeCounts, OutcomeRequest, UnfitError, record
from slipway.audit.places import opener, shown
from slipway.audit.subjects.key_file import KeyFile

MOST_WAITING = 64

logger = logging.getLogger(__name__)


class OutcomeBook:
    """Records outcomes in the log, one request after the other. The first one opens the database.

    Args:
        home: The home folder, with the keys of subject ids and, without a `url`, the log itself.
        url: `postgresql://...` if the log is there.
        file: The file of the SQLite log that this process writes to.
    Raises:
        AuditError: The address is not valid, or its driver is missing.
    """

    def __init__(self, home: Path, url: str | None = None, file: LogFile | None = None) -> None:
        self._place = url or home
        self._open = opener(self._place, file=file)
        self._keys = KeyFile(home)
        self._store: Store | None = None
        self._thread = ThreadPoolExecutor(1, "outcomes")
        self._waiting = 0

    async def record(self, sent: OutcomeRequest, claims: Sequence[Claim], *, write: bool = True) -> OutcomeCounts:
        """Return when the outcomes are committed; see `slipway.audit.outcomes.record`.

        Raises:
            UnfitError: Some outcomes cannot be recorded, so none is.
            AuditError: The log cannot be written, or too many requests wait for it; the gateway's own log says more.
        """
        if self._waiting >= MOST_WAITING:
            raise AuditError("too many outcomes wait to be recorded. Try again later.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._record, sent, claims, write)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Accept no more outcomes, and return when the accepted ones are recorded."""
        self._thread.submit(self._forget_store)
        self._thread.shutdown(wait=True)

    def _record(self, sent: OutcomeRequest, claims: Sequence[Claim], write: bool) -> OutcomeCounts:
        again = self._store is not None  # an open connection may have broken; outcomes recorded twice count as repeated
        while True:
            try:
                self._store = self._store or self._open()
                return record(self._store, self._keys, sent, claims, write=write)
            except UnfitError:
                raise
            except Exception as error:
                if not isinstance(error, LogLostError):  # else it stays open, to go on with the file if it is put back
                    self._forget_store()
                if not (is_database_error(error) or isinstance(error, AuditError)):
                    raise
                if again:
                    again = False
                    continue
                logger.error("outcomes cannot be recorded in the audit log %s: %s", shown(self._place), without_details(error))
                raise AuditError(UNWRITTEN) from error

    def _forget_store(self) -> None:
        if self._store:
            with suppress(Exception):
                self._store.close()
        self._store = None
