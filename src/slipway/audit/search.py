"""Searches of the log for its pages: of one table, the newest lines first, and each search goes on where the last one stopped."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from slipway.audit.by_id import lines, marks
from slipway.audit.databases.cells import shown
from slipway.audit.databases.excerpts import Condition, Keys, Spot, find
from slipway.audit.databases.tables import ADMINISTRATION, BATCHES, PREDICTIONS, REFUSALS, Store, Table
from slipway.audit.reading import Act, Line, Refusal

OF_A_BATCH = ("request_id", "time", "key", "model", "version", "run_id", "size", "latency_ms", "address")
PATHS = ("models", "predict")  # of a model: the API's, and the page's
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request of many rows without subjects, which is one line of the log."""

    request_id: str
    time: str
    key: str
    model: str
    version: int | None
    run_id: str
    size: int
    latency_ms: float
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which lines to find: those that meet every condition that is not None. `since` is included, `until` is not; both have a time zone.

    `without_outcome`: only predictions whose outcome is not known.
    """

    models: Collection[str] | None = None
    callers: Collection[str] | None = None
    pseudonyms: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    without_outcome: bool = False


@dataclass(frozen=True, slots=True)
class Excerpt(Generic[T]):
    """Lines, newest first, and where to go on, None if there are no older ones.

    `looked_until`: the search took long and stopped at this time; "" if not.
    """

    lines: list[T]
    older: Spot | None
    looked_until: str


def answers(store: Store, search: Search, after: Spot | None, most: int) -> Excerpt[Line]:
    """Return answered rows that have a line of their own."""
    conditions = [*_of_callers("key", search), *_of_models(search)]
    if search.pseudonyms is not None:
        conditions.append(Condition(_among("pseudonym", search.pseudonyms), search.pseudonyms))
    if search.without_outcome:
        known = "SELECT 1 FROM outcomes WHERE outcomes.prediction_id = predictions.prediction_id"
        conditions.append(Condition(f"NOT EXISTS ({known})"))
    keys = _keys(store, PREDICTIONS, conditions, search, after, most)
    found = lines(store, keys.keys)
    return Excerpt([found[key] for key in keys.keys if key in found], keys.older, keys.looked_until)


def requests(store: Store, search: Search, after: Spot | None, most: int) -> Excerpt[LoggedRequest]:
    """Return answered requests of many rows; subjects have no effect."""
    keys = _keys(store, BATCHES, [*_of_callers("key", search), *_of_models(search)], search, after, most)
    return _excerpt(store, BATCHES, OF_A_BATCH, LoggedRequest, keys)


def refusals(store: Store, search: Search, after: Spot | None, most: int) -> Excerpt[Refusal]:
    """Return refused requests; those of a model are the requests whose path is below one of the model's."""
    conditions = _of_callers("key", search)
    if search.models is not None:
        folders = [f"/{path}/{model}/" for model in sorted(search.models) for path in PATHS]
        one = "substr(path || '/', 1, {}) = ?"
        conditions.append(Condition(f"({' OR '.join(one.format(len(folder)) for folder in folders) or '1 = 0'})", folders))
    return _excerpt(store, REFUSALS, REFUSALS.columns, Refusal, _keys(store, REFUSALS, conditions, search, after, most))


def acts(store: Store, search: Search, after: Spot | None, most: int) -> Excerpt[Act]:
    """Return acts of administration; the caller is who did them, and models have no effect."""
    keys = _keys(store, ADMINISTRATION, _of_callers("who", search), search, after, most)
    return _excerpt(store, ADMINISTRATION, ADMINISTRATION.columns, Act, keys)


def _keys(store: Store, table: Table, conditions: Sequence[Condition], search: Search, after: Spot | None, most: int) -> Keys:
    indexed = table is PREDICTIONS and search.pseudonyms is not None
    return find(store, table, conditions, after=after, since=search.since, until=search.until, most=most, indexed=indexed)


def _excerpt(store: Store, table: Table, columns: Iterable[str], kind: type[T], keys: Keys) -> Excerpt[T]:
    found: dict[Any, T] = {}
    if keys.keys:
        taken = ", ".join((f"{table.key} AS name", *columns))
        statement = f"SELECT {taken} FROM {table.name} WHERE {table.key} IN ({marks(keys.keys)})"  # noqa: S608
        for line in store.rows(statement, keys.keys):
            name = line.pop("name")
            found[name] = kind(**line | {"time": shown(line["time"])})
    return Excerpt([found[key] for key in keys.keys if key in found], keys.older, keys.looked_until)


def _of_callers(column: str, search: Search) -> list[Condition]:
    return [] if search.callers is None else [Condition(_among(column, search.callers), sorted(search.callers))]


def _of_models(search: Search) -> list[Condition]:
    return [] if search.models is None else [Condition(_among("model", search.models), sorted(search.models))]


def _among(column: str, values: Collection[str]) -> str:
    return f"{column} IN ({', '.join('?' * len(values))})" if values else "1 = 0"
