"""The tables of the log, and what a database must be able to do for them.

Statements are written once, with `?` where a value goes; both databases understand the rest of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol

Row = tuple[Any, ...]
# What a transaction must have to itself. Who writes lines under the keys of `subjects` shares them; who replaces the keys must be
# alone, so that no line comes under old ones. Who writes outcomes has read the ones that are there, and so must be the only one.
Lock = Literal["shared", "alone", "outcomes"]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table's columns, in the order in which lines are inserted; `key` names one line."""

    name: str
    key: str
    columns: tuple[str, ...]


_ANSWERED = (
    *("prediction_id", "request_id", "time", "key", "model", "version", "run_id"),
    *("row", "label", "probabilities", "latency_ms", "address"),
)
PREDICTIONS = Table("predictions", "prediction_id", (*_ANSWERED, "pseudonym", "subject", "subject_key"))
# Most lines name no subject. Python's SQLite takes half as long again for three columns of None.
ANONYMOUS = Table("predictions", "prediction_id", _ANSWERED)
# Requests of many rows, which name no subject: see `batches`.
BATCHES = Table(
    "batches",
    "request_id",
    (
        *("request_id", "time", "key", "model", "version", "run_id", "size"),
        *("rows", "labels", "probabilities", "latency_ms", "address"),
    ),
)
# What the version that did not answer would have said.
SHADOWS = Table(
    "shadows",
    "prediction_id",
    ("prediction_id", "time", "model", "version", "run_id", "label", "probabilities", "agrees", "latency_ms"),
)
# What became of whom was predicted. `request_id` is of the request that told it; the latest line of a prediction is the one that holds.
OUTCOMES = Table("outcomes", "id", ("time", "request_id", "key", "model", "prediction_id", "label", "observed_at"))
REFUSALS = Table("refusals", "id", ("request_id", "time", "key", "address", "method", "path", "status", "code", "violations"))
ADMINISTRATION = Table("administration", "id", ("time", "who", "what", "about"))

Batch = Mapping[Table, Sequence[Row]]


class Store(Protocol):
    """An open database whose schema is up to date. For one thread; of no further use after an error outside a transaction."""

    newest_first: str  # by what to order lines
    number: str  # the column that numbers the lines of a table in the order in which they were written
    wrong_lines: tuple[type[Exception], ...]  # errors that are about what is written, not about the database

    def transaction(self, lock: Lock | None = None) -> AbstractContextManager[object]:
        """Commit all of the block or, when it raises, nothing."""

    def insert(self, batch: Batch) -> None: ...

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]: ...

    def change(self, statement: str, values: Sequence[Row]) -> int:
        """Run the statement for each of the values and return how many lines it touched in all."""

    def wipe(self) -> None:
        """Leave nothing of deleted lines where the database can help it."""

    def close(self) -> None: ...


@cache
def insertion(table: Table) -> str:
    return f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({', '.join('?' * len(table.columns))})"  # noqa: S608
