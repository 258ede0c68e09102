"""What the latest lines of the log say about a model: how long its requests took, and whether its challenger gave the same answers.

The log has no index on time or model, because that would slow every answer down. So only the last lines of a table are read, by their
number, which is its key: that takes some hundredths of a second, however many lines there are. A model with little traffic beside others
with much has few requests among them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from slipway.audit.databases.cells import shown
from slipway.audit.databases.tables import BATCHES, PREDICTIONS, SHADOWS, Store, Table
from slipway.audit.places import Place, missing, opened

LINES = 20_000  # looked through for one model
FEW = 5_000  # read for all models at once
LARGE = 100  # of requests with many rows, whose lines are large, so many times fewer
SPANS = 24


class LatencySpan(msgspec.Struct, frozen=True):
    """The requests of a span of time that begins at `begin`: their number, and within how many milliseconds 50 and 95 % were answered."""

    begin: str
    requests: int
    median_ms: float
    p95_ms: float


def latest_latencies(place: Place, model: str | None = None, lines: int | None = None) -> dict[str, list[tuple[float, float]]]:
    """Return the latest requests by model and in the order of time: when each came, in seconds since the epoch, and its milliseconds.

    Args:
        model: None for all models.
        lines: How many lines of each table to look through; `LINES` or `FEW` if None.
    Raises:
        AuditError: The log cannot be read.
    """
    found: dict[str, tuple[str, float, float]] = {}
    of_model, values = ("", ()) if model is None else (" AND model = ?", (model,))
    most = lines or (FEW if model is None else LINES)
    if not missing(place):
        with opened(place) as store:
            for table, number in ((PREDICTIONS, most), (BATCHES, most // LARGE)):
                statement = f"SELECT request_id, model, time, latency_ms FROM {table.name} WHERE {_latest(store, table)}{of_model}"  # noqa: S608
                for line in store.rows(statement, (number, *values)):
                    time = datetime.fromisoformat(shown(line["time"])).timestamp()
                    found[line["request_id"]] = (line["model"], time, line["latency_ms"])
    by_model: dict[str, list[tuple[float, float]]] = {}
    for name, time, latency in sorted(found.values()):
        by_model.setdefault(name, []).append((time, latency))
    return by_model


def latest_agreement(place: Place, model: str, champion: int, challenger: int, lines: int = LINES) -> tuple[int, int]:
    """Return how many of the latest rows both versions answered, and to how many of them they gave the same answer.

    Raises:
        AuditError: The log cannot be read.
    """
    if missing(place):
        return 0, 0
    with opened(place) as store:
        counted = "count(*) AS compared, coalesce(sum(agrees), 0) AS agreeing"
        chosen = f"{_latest(store, SHADOWS)} AND model = ? AND version IN (?, ?)"
        statement = f"SELECT {counted} FROM {SHADOWS.name} WHERE {chosen}"  # noqa: S608
        (found,) = store.rows(statement, (lines, model, champion, challenger))
    return int(found["compared"]), int(found["agreeing"])


def latency_trend(requests: Sequence[tuple[float, float]], spans: int = SPANS) -> list[LatencySpan]:
    """Return the latencies by spans of equal length, without those in which no request came.

    Args:
        requests: Those of a model, as `latest_latencies` returns them.
    """
    if not requests:
        return []
    first, last = requests[0][0], requests[-1][0]
    width = max((last - first) / spans, 1.0)
    by_span: dict[int, list[float]] = {}
    for time, latency in requests:
        by_span.setdefault(min(int((time - first) / width), spans - 1), []).append(latency)
    return [_span(first + number * width, sorted(latencies)) for number, latencies in by_span.items()]


def within(latencies: Sequence[float], share: float) -> float:
    """Return within how long a share of the requests was answered, by the nearest rank.

    Args:
        latencies: (n,) ascending, n >= 1.
    """
    return latencies[math.ceil(share * len(latencies)) - 1]


def _latest(store: Store, table: Table) -> str:
    return f"{store.number} > (SELECT coalesce(max({store.number}), 0) FROM {table.name}) - ?"  # noqa: S608


def _span(begin: float, latencies: Sequence[float]) -> LatencySpan:
    at = datetime.fromtimestamp(begin, UTC).isoformat(timespec="seconds")
    return LatencySpan(at, len(latencies), within(latencies, 0.5), within(latencies, 0.95))
