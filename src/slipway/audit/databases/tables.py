"""The tables of the log, and the operations of a database on them.

Statements are written once for both databases, with `?` in place of a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol

Row = tuple[Any, ...]
# What a transaction locks. Writers of lines with subject ids share the keys; their replacement is alone, so that no line is written with an
# old key. A writer of outcomes has read those in the log, so it must be the only one.
Lock = Literal["shared", "alone", "outcomes"]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table's columns, in the order in which lines are inserted; `key` names one line."""

    name: str
    key: str
    columns: tuple[str, ...]


_ANSWERED = (
    "prediction_id",
    "request_id",
    "time",
    "key",
    "model",
    "version",
    "run_id",
    "row",
    "label",
    "probabilities",
    "latency_ms",
    "address",
)
PREDICTIONS = Table("predictions", "prediction_id", (*_ANSWERED, "pseudonym", "subject", "subject_key"))
# Most lines have no subject. Python's SQLite takes half as long again for three columns of None.
ANONYMOUS = Table("predictions", "prediction_id", _ANSWERED)
# Requests of many rows without subjects: see `batches`.
BATCHES = Table(
    "batches",
    "request_id",
    ("request_id", "time", "key", "model", "version", "run_id", "size", "rows", "labels", "probabilities", "latency_ms", "address"),
)
# The answers of the version that did not answer.
SHADOWS = Table(
    "shadows",
    "prediction_id",
    ("prediction_id", "time", "model", "version", "run_id", "label", "probabilities", "agrees", "latency_ms"),
)
# What each column adds to an answer, if the caller wanted to know.
EXPLANATIONS = Table("explanations", "prediction_id", ("prediction_id", "time", "model", "version", "run_id", "explanation"))
# The actual outcomes of predictions. `request_id` is that of the request with the outcome; the latest line of a prediction counts.
OUTCOMES = Table("outcomes", "id", ("time", "request_id", "key", "model", "prediction_id", "label", "observed_at"))
REFUSALS = Table("refusals", "id", ("request_id", "time", "key", "address", "method", "path", "status", "code", "violations"))
ADMINISTRATION = Table("administration", "id", ("time", "who", "what", "about"))

Batch = Mapping[Table, Sequence[Row]]


class Store(Protocol):
    """An open database whose schema is up to date. For one thread; unusable after an error outside a transaction."""

    newest_first: str  # the ORDER BY of lines, newest first
    number: str  # the column that numbers the lines of a table in the order of their insertion
    compared: str  # a condition on the place in `newest_first`, with `{}` for the sign and `?` for a time and a number
    wrong_lines: tuple[type[Exception], ...]  # errors about the content of a line, not about the database

    def transaction(self, lock: Lock | None = None) -> AbstractContextManager[object]:
        """Commit all of the block or, if it raises, nothing."""

    def insert(self, batch: Batch) -> None: ...

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]: ...

    def change(self, statement: str, values: Sequence[Row]) -> int:
        """Run the statement for each of the values and return the number of changed lines."""

    def wipe(self) -> None:
        """Erase deleted lines from the disk, as far as the database can."""

    def close(self) -> None: ...


@cache
def insertion(table: Table) -> str:
    return f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({', '.join('?' * len(table.columns))})"  # noqa: S608
