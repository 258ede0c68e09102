"""Read the log, newest line first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from slipway.audit.batches import MANY, unpacked
from slipway.audit.databases.cells import decoded, shown, utc
from slipway.audit.databases.tables import ADMINISTRATION, BATCHES, EXPLANATIONS, PREDICTIONS, REFUSALS, SHADOWS, Table
from slipway.audit.places import Place, missing, opened
from slipway.problems.serving import Answer


@dataclass(frozen=True, slots=True)
class Line:
    """One logged row: `row` has its values in contract order, `time` is UTC, `subject` is encrypted with the key `subject_key`."""

    prediction_id: str
    request_id: str
    time: str
    key: str
    model: str
    version: int | None
    run_id: str
    row: list[float | int | str]
    label: Answer
    probabilities: list[float]
    latency_ms: float
    address: str = ""
    pseudonym: str | None = None
    subject: str | None = None
    subject_key: str | None = None


@dataclass(frozen=True, slots=True)
class Shadow:
    """The answer to one logged row of the version that did not answer; `agrees` says whether it is the same answer."""

    prediction_id: str
    time: str
    model: str
    version: int | None
    run_id: str
    label: Answer
    probabilities: list[float]
    agrees: bool
    latency_ms: float


@dataclass(frozen=True, slots=True)
class LoggedExplanation:
    """What each column of one logged row adds to its answer, as the caller received it; `explanation` is that of `slipway.explaining`."""

    prediction_id: str
    time: str
    model: str
    version: int | None
    run_id: str
    explanation: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One request that was refused; `key` is empty if the caller is unknown."""

    request_id: str
    time: str
    key: str
    address: str
    method: str
    path: str
    status: int
    code: str
    violations: int


@dataclass(frozen=True, slots=True)
class Act:
    """An act of administration on a user, a key, a model or the log itself."""

    time: str
    who: str
    what: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines to read: those that meet every condition that is not None. `since` is included, `until` is not; both have a time zone."""

    model: str | None = None
    caller: str | None = None
    prediction_id: str | None = None
    pseudonyms: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100


def read(home: Path, model: str, limit: int) -> list[Line]:
    """Return the latest lines of one model, newest first; none if nothing was ever logged."""
    return predictions(home, Wanted(model=model, limit=limit))


def predictions(place: Place, wanted: Wanted) -> list[Line]:
    """Return answered rows.

    Raises:
        AuditError: The log cannot be read.
    """
    conditions = {"model = ?": wanted.model, "key = ?": wanted.caller}
    by_id = {"prediction_id = ?": wanted.prediction_id}
    single = _select(place, PREDICTIONS, conditions | by_id, wanted, pseudonyms=wanted.pseudonyms)
    request = wanted.prediction_id and wanted.prediction_id.rpartition("-")[0]
    enough = replace(wanted, limit=-(-wanted.limit // MANY), pseudonyms=None)
    batches = [] if wanted.pseudonyms is not None else _select(place, BATCHES, conditions | {"request_id = ?": request}, enough)
    merged = heapq.merge(single, unpacked(batches, wanted.prediction_id and {wanted.prediction_id}), key=itemgetter("time"), reverse=True)
    return [line_of(line) for line in islice(merged, wanted.limit)]


def line_of(found: Mapping[str, Any]) -> Line:
    """Return a line from a row of the database, or of `batches`."""
    read = {"time": shown(found["time"]), "row": decoded(found["row"]), "probabilities": decoded(found["probabilities"])}
    return Line(**{**found, **read})


def shadow_of(found: Mapping[str, Any]) -> Shadow:
    """Return a shadow from a row of the database."""
    read = {"time": shown(found["time"]), "probabilities": decoded(found["probabilities"]), "agrees": bool(found["agrees"])}
    return Shadow(**{**found, **read})


def explanation_of(found: Mapping[str, Any]) -> LoggedExplanation:
    """Return an explanation from a row of the database."""
    return LoggedExplanation(**{**found, "time": shown(found["time"]), "explanation": decoded(found["explanation"])})


def shadows(place: Place, wanted: Wanted) -> list[Shadow]:
    """Return shadows; `caller` has no effect.

    Raises:
        AuditError: The log cannot be read.
    """
    conditions = {"model = ?": wanted.model, "prediction_id = ?": wanted.prediction_id}
    return [shadow_of(line) for line in _select(place, SHADOWS, conditions, wanted)]


def explanations(place: Place, wanted: Wanted) -> list[LoggedExplanation]:
    """Return explanations; `caller` has no effect.

    Raises:
        AuditError: The log cannot be read.
    """
    conditions = {"model = ?": wanted.model, "prediction_id = ?": wanted.prediction_id}
    return [explanation_of(line) for line in _select(place, EXPLANATIONS, conditions, wanted)]


def refusals(place: Place, wanted: Wanted) -> list[Refusal]:
    """Return refused requests; those of a model are the requests whose path is below the model's.

    Raises:
        AuditError: The log cannot be read.
    """
    folder = f"/models/{wanted.model}"
    conditions = {"key = ?": wanted.caller, f"substr(path || '/', 1, {len(folder) + 1}) = ?": wanted.model and f"{folder}/"}
    return [Refusal(**line) for line in _select(place, REFUSALS, conditions, wanted)]


def administration(place: Place, wanted: Wanted) -> list[Act]:
    """Return acts of administration; `caller` is who did them, and `model` has no effect.

    Raises:
        AuditError: The log cannot be read.
    """
    return [Act(**line) for line in _select(place, ADMINISTRATION, {"who = ?": wanted.caller}, wanted)]


def _select(
    place: Place, table: Table, conditions: dict[str, str | None], wanted: Wanted, pseudonyms: Sequence[str] | None = None
) -> Iterator[dict[str, Any]]:
    if missing(place) or (pseudonyms is not None and not pseudonyms):
        return
    spans = {"time >= ?": wanted.since and utc(wanted.since), "time < ?": wanted.until and utc(wanted.until)}
    asked = {condition: value for condition, value in (conditions | spans).items() if value is not None}
    where, values = ["1 = 1", *asked], list(asked.values())
    if pseudonyms is not None:
        where.append(f"pseudonym IN ({', '.join('?' * len(pseudonyms))})")
        values += pseudonyms
    columns, chosen = ", ".join(table.columns), " AND ".join(where)
    with opened(place) as store:
        statement = f"SELECT {columns} FROM {table.name} WHERE {chosen} ORDER BY {store.newest_first} LIMIT ?"  # noqa: S608
        found = store.rows(statement, (*values, wanted.limit))
    for line in found:
        yield line | {"time": shown(line["time"])}
