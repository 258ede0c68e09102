"""An excerpt of one table: the newest lines that meet some conditions, in steps of bounded size and within a bounded time.

Most columns have no index, because it would slow every answer down. So a search looks at line after line, newest first, and returns where
it has stopped: the next one goes on from there. Lines that are written meanwhile are newer, and change nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from slipway.audit.databases.cells import shown, utc
from slipway.audit.databases.tables import Store, Table

STEP = 20_000  # lines that one statement looks at
# A line has the time at which its request came, and is written when it is answered: so far behind a later one at most.
LATE = timedelta(minutes=10)


class Spot(NamedTuple):
    """A place in a table, just after the line with this number and time."""

    number: int
    time: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A part of a statement, with a `?` for each value."""

    text: str
    values: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of the lines that were found, newest first.

    `older` is where to go on, None if there is nothing older. `looked_until` is the time of the oldest line that was looked at; "" if it
    was the last one.
    """

    keys: list[Any]
    older: Spot | None
    looked_until: str = ""


def find(
    store: Store,
    table: Table,
    conditions: Sequence[Condition],
    *,
    after: Spot | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    most: int,
    seconds: float = 1.0,
    indexed: bool = False,
) -> Keys:
    """Find the newest lines that meet all conditions.

    Args:
        after: Where an earlier search stopped.
        since: The first time that counts; `until` is the first that does not.
        most: How many lines to return.
        seconds: How long to look. At least one step is made, so that searches that go on come to an end.
        indexed: Whether an index finds the lines, so that steps are not needed.
    """
    ends = time.monotonic() + seconds
    conditions = [*conditions, *_span(since, until)]
    found: list[dict[str, Any]] = []
    while True:
        end = None if indexed else _end(store, table, after)
        found += _step(store, table, conditions, after, end, most + 1 - len(found))
        if len(found) > most:
            last = found[most - 1]
            return Keys([line["name"] for line in found[:most]], Spot(last["place"], shown(last["time"])))
        after = end
        if end is None or (since and datetime.fromisoformat(end.time) < since - LATE):
            return Keys([line["name"] for line in found], None)
        if time.monotonic() >= ends:
            return Keys([line["name"] for line in found], end, end.time)


def _span(since: datetime | None, until: datetime | None) -> list[Condition]:
    return [Condition(text, (utc(moment),)) for text, moment in (("time >= ?", since), ("time < ?", until)) if moment]


def _end(store: Store, table: Table, after: Spot | None) -> Spot | None:
    """Return the last line of the next step, None if the step reaches the end of the table."""
    (older,) = _bounds(store, after, None) or (Condition("1 = 1"),)
    columns = f"{store.number} AS place, time"
    statement = f"SELECT {columns} FROM {table.name} WHERE {older.text} ORDER BY {store.newest_first} LIMIT 1 OFFSET {STEP - 1}"  # noqa: S608
    return next((Spot(line["place"], shown(line["time"])) for line in store.rows(statement, older.values)), None)


def _step(
    store: Store, table: Table, conditions: Sequence[Condition], after: Spot | None, end: Spot | None, most: int
) -> list[dict[str, Any]]:
    """Return the matches after one place, up to another, which is included. So a line that is written meanwhile is found once, or not."""
    every = [Condition("1 = 1"), *_bounds(store, after, end), *conditions]
    columns = f"{store.number} AS place, {table.key} AS name, time"
    chosen = " AND ".join(one.text for one in every)
    statement = f"SELECT {columns} FROM {table.name} WHERE {chosen} ORDER BY {store.newest_first} LIMIT ?"  # noqa: S608
    return store.rows(statement, (*(value for one in every for value in one.values), most))


def _bounds(store: Store, after: Spot | None, end: Spot | None) -> list[Condition]:
    spots = (("<", after), (">=", end))
    return [Condition(store.compared.format(sign), (spot.time, spot.number)) for sign, spot in spots if spot]
