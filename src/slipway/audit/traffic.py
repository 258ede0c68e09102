"""The answered rows of a span of time, oldest first, for comparison with the training rows.

Only times and ids are read and sorted first, then the lines, some at a time: a request of many rows may be large.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import NamedTuple

from slipway.audit.by_id import AT_ONCE, lines, rows_of_request
from slipway.audit.databases.cells import shown, utc
from slipway.audit.databases.tables import BATCHES, PREDICTIONS, Store, Table
from slipway.audit.places import Place, missing, opened
from slipway.audit.reading import Line

SETTLED = timedelta(seconds=2)  # a line has the time of the request's arrival; after two seconds it is committed


class Head(NamedTuple):
    """The time and id of a line. `size` is the number of rows in a line of batches, and 0 for a line of one row."""

    time: str
    place: int
    key: str
    size: int


def served_rows(place: Place, model: str, *, since: datetime | None, until: datetime, limit: int) -> list[Line]:
    """Return the first `limit` rows of a model that arrived from `since` (included; None: no limit) to `until` (excluded).

    They are in the order of time, those of one request in its order. A line is written when its request is answered, with the time of the
    request's arrival: choose an `until` some seconds ago if no row may be missed.

    Raises:
        AuditError: The log cannot be read.
    """
    if missing(place) or limit < 1:
        return []
    with opened(place) as store:
        heads = heapq.merge(*(_heads(store, table, model, since, until, limit) for table in (PREDICTIONS, BATCHES)))
        return list(islice(_lines(store, _enough(heads, limit)), limit))


def _heads(store: Store, table: Table, model: str, since: datetime | None, until: datetime, limit: int) -> Iterator[Head]:
    size = "size" if table is BATCHES else "0 AS size"
    span, values = "time < ?", [utc(until)]
    if since:
        span, values = f"time >= ? AND {span}", [utc(since), *values]
    columns = f"time, {store.number} AS place, {table.key} AS name, {size}"
    statement = f"SELECT {columns} FROM {table.name} WHERE {span} AND model = ? ORDER BY time, {store.number} LIMIT ?"  # noqa: S608
    for line in store.rows(statement, (*values, model, limit)):
        yield Head(shown(line["time"]), line["place"], line["name"], line["size"])


def _enough(heads: Iterator[Head], limit: int) -> Iterator[Head]:
    """Stop after the head that completes `limit` rows."""
    rows = 0

    def wanted(head: Head) -> bool:
        nonlocal rows
        before, rows = rows, rows + (head.size or 1)
        return before < limit

    return takewhile(wanted, heads)


def _lines(store: Store, heads: Iterator[Head]) -> Iterator[Line]:
    while part := list(islice(heads, AT_ONCE)):
        single = lines(store, [head.key for head in part if not head.size])
        for head in part:
            if head.size:
                yield from rows_of_request(store, head.key)
            elif line := single.get(head.key):  # else it was deleted a moment ago
                yield line
