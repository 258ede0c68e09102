"""The log in an SQLite file: one writer at a time, and readers never wait."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from slipway.audit.databases.log_file import LogFile
from slipway.audit.databases.tables import Batch, Lock, Row, insertion
from slipway.audit.errors import AuditError
from slipway.files.private import private_folder

PATIENCE = 2.0  # seconds to wait for another process that writes

PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # A commit is given to the operating system: it survives a kill of this process, but a power cut may lose the last moments.
    "PRAGMA synchronous=NORMAL",
    "PRAGMA wal_autocheckpoint=4000",  # pages; larger than the default, for fewer pauses
    "PRAGMA secure_delete=ON",  # deleted lines are overwritten, not just forgotten
)
# Each step is one version of the schema; steps are added, never changed.
# No index on `time`: it would cost a third of the speed, and lines are in the order of their commits anyway.
# `label` has no type, so that whole numbers and texts are read back as they were.
STEPS = (
    (
        "CREATE TABLE IF NOT EXISTS predictions (prediction_id TEXT PRIMARY KEY, request_id TEXT NOT NULL, time TEXT NOT NULL,"
        " key TEXT NOT NULL, model TEXT NOT NULL, version INTEGER, run_id TEXT NOT NULL, row TEXT NOT NULL, label NOT NULL,"
        " probabilities TEXT NOT NULL, latency_ms REAL NOT NULL)",
    ),
    (
        "ALTER TABLE predictions ADD COLUMN address TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE predictions ADD COLUMN pseudonym TEXT",
        "ALTER TABLE predictions ADD COLUMN subject TEXT",
        "ALTER TABLE predictions ADD COLUMN subject_key TEXT",
        "CREATE INDEX predictions_pseudonym ON predictions (pseudonym) WHERE pseudonym IS NOT NULL",
        "CREATE TABLE refusals (id INTEGER PRIMARY KEY, request_id TEXT NOT NULL, time TEXT NOT NULL, key TEXT NOT NULL,"
        " address TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL, code TEXT NOT NULL,"
        " violations INTEGER NOT NULL)",
        "CREATE TABLE administration (id INTEGER PRIMARY KEY, time TEXT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,"
        " about TEXT NOT NULL)",
    ),
    (
        "CREATE TABLE shadows (prediction_id TEXT PRIMARY KEY, time TEXT NOT NULL, model TEXT NOT NULL, version INTEGER,"
        " run_id TEXT NOT NULL, label NOT NULL, probabilities TEXT NOT NULL, agrees INTEGER NOT NULL, latency_ms REAL NOT NULL)",
    ),
    (
        "CREATE TABLE batches (request_id TEXT PRIMARY KEY, time TEXT NOT NULL, key TEXT NOT NULL, model TEXT NOT NULL, version INTEGER,"
        " run_id TEXT NOT NULL, size INTEGER NOT NULL, rows TEXT NOT NULL, labels TEXT NOT NULL, probabilities TEXT NOT NULL,"
        " latency_ms REAL NOT NULL, address TEXT NOT NULL)",
    ),
    (
        "CREATE TABLE outcomes (id INTEGER PRIMARY KEY, time TEXT NOT NULL, request_id TEXT NOT NULL, key TEXT NOT NULL,"
        " model TEXT NOT NULL, prediction_id TEXT NOT NULL, label NOT NULL, observed_at TEXT)",
        "CREATE INDEX outcomes_prediction ON outcomes (prediction_id)",
        "CREATE INDEX outcomes_time ON outcomes (model, time)",  # there are few, and they are read by time
    ),
    (
        "CREATE TABLE explanations (prediction_id TEXT PRIMARY KEY, time TEXT NOT NULL, model TEXT NOT NULL, version INTEGER,"
        " run_id TEXT NOT NULL, explanation TEXT NOT NULL)",
    ),
)
VERSION = "SELECT coalesce(max(version), 0) FROM audit_schema"


class SqliteStore:
    """See `slipway.audit.databases.tables.Store`."""

    newest_first = "rowid DESC"
    number = "rowid"
    compared = "? IS NOT NULL AND rowid {} ?"  # lines are in the order of their commits, not of their times
    wrong_lines: tuple[type[Exception], ...] = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)

    def __init__(self, path: Path, patience: float = PATIENCE, file: LogFile | None = None) -> None:
        self._file = file or LogFile(path)
        self._file.require()
        private_folder(path.parent)
        with suppress(FileExistsError):  # SQLite makes the files beside it with the same rights
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        self._connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        try:
            for pragma in PRAGMAS:
                self._connection.execute(pragma)
            self._migrate()
        except BaseException:
            self._connection.close()
            raise
        self._file.opened()

    @contextmanager
    def transaction(self, lock: Lock | None = None) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")  # a writer is always alone, so `lock` needs nothing
        try:
            yield
            self._file.require()  # last, so that nothing is committed to a file that was removed
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk may have rolled it back already
                self._connection.execute("ROLLBACK")
            raise

    def insert(self, batch: Batch) -> None:
        for table, rows in batch.items():
            self._connection.executemany(insertion(table), rows)

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        return [dict(row) for row in self._connection.execute(statement, values)]

    def change(self, statement: str, values: Sequence[Row]) -> int:
        return self._connection.executemany(statement, values).rowcount

    def wipe(self) -> None:
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # else deleted lines stay in the file beside it

    def close(self) -> None:
        self._connection.close()
        self._file.closed()

    def _migrate(self) -> None:
        if self._version() == len(STEPS):
            return
        with self.transaction():  # several processes may start at once: the second finds all done
            self._connection.execute("CREATE TABLE IF NOT EXISTS audit_schema (version INTEGER NOT NULL)")
            version = self._version()
            if version > len(STEPS):
                raise AuditError(f"the audit log has schema {version}, expected {len(STEPS)} or less: update Slipway.")
            for number, step in enumerate(STEPS[version:], version + 1):
                for statement in step:
                    self._connection.execute(statement)
                self._connection.execute("INSERT INTO audit_schema VALUES (?)", (number,))

    def _version(self) -> int:
        known = self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'audit_schema'").fetchone()
        return int(self._connection.execute(VERSION).fetchone()[0]) if known else 0
