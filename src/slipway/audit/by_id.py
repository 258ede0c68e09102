"""Logged predictions by their ids, many at once, from lines of their own and from lines of batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from slipway.audit.batches import unpacked
from slipway.audit.databases.tables import BATCHES, EXPLANATIONS, PREDICTIONS, SHADOWS, Store
from slipway.audit.reading import Line, LoggedExplanation, Shadow, explanation_of, line_of, shadow_of

AT_ONCE = 500
BATCHES_AT_ONCE = 20  # each has many rows


def matching(store: Store, ids: Iterable[str], condition: str, value: str) -> set[str]:
    """Return the ids whose prediction is in the log and meets a condition.

    Args:
        condition: On a column of both tables, with `?` for the value: `model = ?`.
    """
    wanted = set(ids)
    found = {line["prediction_id"] for line in _chosen(store, "prediction_id FROM predictions", "prediction_id", wanted, condition, value)}
    by_request = _by_request(wanted - found)
    sizes = _chosen(store, "request_id, size FROM batches", "request_id", by_request, condition, value)
    return found | {f"{line['request_id']}-{row}" for line in sizes for row in by_request[line["request_id"]] if row < line["size"]}


def lines(store: Store, ids: Iterable[str]) -> dict[str, Line]:
    """Return the lines of those ids that are in the log."""
    wanted = set(ids)
    single = _chosen(store, f"{', '.join(PREDICTIONS.columns)} FROM predictions", "prediction_id", wanted)
    found = {line["prediction_id"]: line_of(line) for line in single}
    requests = _by_request(wanted - found.keys())
    batches = _chosen(store, f"{', '.join(BATCHES.columns)} FROM batches", "request_id", requests, at_once=BATCHES_AT_ONCE)
    return found | {line["prediction_id"]: line_of(line) for line in unpacked(batches, wanted)}


def shadows_of(store: Store, ids: Iterable[str]) -> dict[str, Shadow]:
    """Return the shadows of those ids; not every prediction has one."""
    found = _chosen(store, f"{', '.join(SHADOWS.columns)} FROM shadows", "prediction_id", ids)
    return {line["prediction_id"]: shadow_of(line) for line in found}


def rows_of_request(store: Store, request_id: str) -> list[Line]:
    """Return the rows of a request of many, in their order; none if it is not in the log."""
    found = _chosen(store, f"{', '.join(BATCHES.columns)} FROM batches", "request_id", [request_id])
    return [line_of(line) for line in unpacked(found, None)][::-1]


def explanations_of(store: Store, ids: Iterable[str]) -> dict[str, LoggedExplanation]:
    """Return the explanations of those ids that were given with the answer."""
    found = _chosen(store, f"{', '.join(EXPLANATIONS.columns)} FROM explanations", "prediction_id", ids)
    return {line["prediction_id"]: explanation_of(line) for line in found}


def some(values: Iterable[str], at_once: int = AT_ONCE) -> Iterator[Sequence[str]]:
    """Split values into parts that are small enough for one statement."""
    rest = iter(values)
    while part := list(islice(rest, at_once)):
        yield part


def marks(values: Sequence[str]) -> str:
    """Return a `?` for each value, for `IN (...)`."""
    return ", ".join("?" * len(values))


def _chosen(
    store: Store, what: str, column: str, values: Iterable[str], condition: str = "1 = 1", *given: str, at_once: int = AT_ONCE
) -> Iterator[dict[str, Any]]:
    for part in some(values, at_once):
        statement = f"SELECT {what} WHERE {column} IN ({marks(part)}) AND {condition}"
        yield from store.rows(statement, (*part, *given))


def _by_request(ids: Iterable[str]) -> dict[str, list[int]]:
    """Return the row numbers by request. An id of another form is left out."""
    found: dict[str, list[int]] = defaultdict(list)
    for name in ids:
        request, _, row = name.rpartition("-")
        if request and row.isascii() and row.isdigit() and len(row) < 10 and str(int(row)) == row:
            found[request].append(int(row))
    return found
