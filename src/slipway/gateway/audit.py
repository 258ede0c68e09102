"""The log of every row that was answered. A reply leaves only after its lines are committed, so killing the process loses none.

One thread writes: whatever is queued goes into one transaction, so that callers share the cost of a commit.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import msgspec

from slipway.bundle.contract import ClassLabel, Contract
from slipway.errors import SlipwayError
from slipway.gateway.checks import Cells

AUDIT = Path("gateway") / "audit.db"
PATIENCE = 2.0

# `label` has no type, so that whole numbers and texts come back as what they were.
SCHEMA = """
CREATE TABLE IF NOT EXISTS predictions (
    prediction_id TEXT PRIMARY KEY, request_id TEXT NOT NULL, time TEXT NOT NULL, key TEXT NOT NULL, model TEXT NOT NULL,
    version INTEGER, run_id TEXT NOT NULL, row TEXT NOT NULL, label NOT NULL, probabilities TEXT NOT NULL, latency_ms REAL NOT NULL
)
"""
INSERT = "INSERT INTO predictions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
SELECT = "SELECT * FROM predictions WHERE model = ? ORDER BY rowid DESC LIMIT ?"

logger = logging.getLogger(__name__)


class AuditError(SlipwayError):
    """The log cannot be written, so nothing may be answered."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One request that is about to be answered: n rows by column, n labels, (n, classes) probabilities."""

    request_id: str
    time: float
    key: str
    contract: Contract
    columns: Mapping[str, Cells]
    labels: list[ClassLabel]
    probabilities: list[list[float]]
    latency_ms: float

    def lines(self) -> Iterator[tuple[Any, ...]]:
        time, contract, encode = _iso(self.time), self.contract, msgspec.json.Encoder().encode
        rows = zip(*self.columns.values(), strict=True)
        for index, (row, label, probabilities) in enumerate(zip(rows, self.labels, self.probabilities, strict=True)):
            yield (
                *(prediction_id(self.request_id, index), self.request_id, time, self.key),
                *(contract.model, contract.version, contract.run_id),
                *(encode(row).decode(), label, encode(probabilities).decode(), self.latency_ms),
            )


@dataclass(frozen=True, slots=True)
class Line:
    """One logged row; `row` holds its values in contract order, `time` is UTC."""

    prediction_id: str
    request_id: str
    time: str
    key: str
    model: str
    version: int | None
    run_id: str
    row: list[float | int | str]
    label: ClassLabel
    probabilities: list[float]
    latency_ms: float


def prediction_id(request_id: str, index: int) -> str:
    """Name one row of a request: the caller knows it from the reply's X-Request-Id and the row's place, from 0."""
    return f"{request_id}-{index}"


def read(home: Path, model: str, limit: int) -> list[Line]:
    """Return the latest lines of one model, newest first; none when nothing was ever logged."""
    path = home / AUDIT
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=PATIENCE)) as connection:
        connection.row_factory = sqlite3.Row
        found = [dict(line) for line in connection.execute(SELECT, (model, limit))]
    decode = msgspec.json.decode
    return [Line(**line | {"row": decode(line["row"]), "probabilities": decode(line["probabilities"])}) for line in found]


Queued = tuple[Answered, "asyncio.Future[None]"]


class AuditLog:
    """The writer. Its thread starts at once; `close` writes what is queued and ends it."""

    def __init__(self, home: Path) -> None:
        self._path = home / AUDIT
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._queue: SimpleQueue[Queued | None] = SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._write_forever, name="audit", daemon=True)
        self._thread.start()

    async def record(self, answered: Answered) -> None:
        """Return when every line of the request is committed.

        Raises:
            AuditError: They could not be written, and were not.
        """
        done = asyncio.get_running_loop().create_future()
        self._queue.put((answered, done))
        await done

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _write_forever(self) -> None:
        while True:
            batch, last = self._take()
            if batch:
                futures = [done for _, done in batch]
                futures[0].get_loop().call_soon_threadsafe(_settle, futures, self._write([answered for answered, _ in batch]))
            if last:
                break
        if self._connection:
            self._connection.close()

    def _take(self) -> tuple[list[Queued], bool]:
        batch: list[Queued] = []
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            try:
                item = self._queue.get_nowait()
            except Empty:
                return batch, False
        return batch, True

    def _write(self, batch: list[Answered]) -> Exception | None:
        """Commit a batch; return what prevented it, for the requests that wait to raise."""
        try:
            self._connection = self._connection or self._open()
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(INSERT, chain.from_iterable(answered.lines() for answered in batch))
            self._connection.execute("COMMIT")
        except Exception as error:
            if self._connection:
                self._connection.close()  # takes an open transaction back
                self._connection = None
            logger.exception("%s: the lines of %d requests could not be written", self._path, len(batch))
            return AuditError(f"the audit log cannot be written ({error}), so nothing is answered. Try again later.")
        return None

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            # A commit is in the operating system's hands: safe when this process is killed; a power cut may cost the last moments.
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA wal_autocheckpoint=4000")  # pages; larger than the default, for fewer pauses
            connection.execute(SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _settle(futures: list[asyncio.Future[None]], error: Exception | None) -> None:
    for done in futures:
        if done.done():  # its caller went away
            continue
        if error:
            done.set_exception(error)
        else:
            done.set_result(None)


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")
