"""What the last watches found, as Prometheus' gauges. Every worker shows the same, so they have no label `worker`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, get_args

from slipway.gateway.metrics.declarations import Gauge
from slipway.monitoring.published import Latest, PublishedAlarm

if TYPE_CHECKING:
    from prometheus_client import Metric as Family

DISTANCE = Gauge("watch_distance", "Distance of a served column from the training rows.", ("model", "column"))
PREDICTION_DISTANCE = Gauge("watch_prediction_distance", "Distance of the answers from those to the test rows.", ("model",))
DRIFTED_COLUMNS = Gauge("watch_drifted_columns", "Columns that have drifted.", ("model",))
ROWS = Gauge("watch_rows", "Rows of the last window.", ("model",))
OUTCOMES = Gauge("watch_outcomes", "Outcomes that the figures are from.", ("model",))
FIGURE = Gauge("watch_figure", "The model's metric by its outcomes, with its interval, and as registered.", ("model", "metric", "what"))
ALARM = Gauge("watch_alarm", "1 while there is an alarm of this kind.", ("model", "kind"))
FROZEN = Gauge("watch_frozen", "1 while no alarm starts a release.", ("model",))
SECONDS_SINCE = Gauge("watch_seconds_since", "Seconds since the last watch.", ("model",))
UNREADABLE = Gauge("watch_unreadable", "1 where what the last watch found cannot be read; the gateway's log says why.", ("model",))

GAUGES = tuple(gauge for gauge in list(vars().values()) if isinstance(gauge, Gauge))
ALARMS = [kind for kind in get_args(PublishedAlarm) if kind]
Sample = tuple[Gauge, tuple[str, ...], float | None]


def families(watched: Mapping[str, Latest | None]) -> Iterator[Family]:
    """Return the gauges with their samples; a value that is not known has no sample."""
    from prometheus_client.metrics_core import GaugeMetricFamily

    found = {gauge: GaugeMetricFamily(f"slipway_{gauge.name}", gauge.help, labels=gauge.labels) for gauge in GAUGES}
    for model, latest in watched.items():
        found[UNREADABLE].add_metric((model,), float(latest is None))
        for gauge, labels, value in _samples(model, latest) if latest else ():
            if value is not None:
                found[gauge].add_metric(labels, value)
    yield from found.values()


def _samples(model: str, latest: Latest) -> Iterator[Sample]:
    for column, distance in latest.distances.items():
        yield DISTANCE, (model, column), distance
    yield PREDICTION_DISTANCE, (model,), latest.prediction_distance
    yield DRIFTED_COLUMNS, (model,), len(latest.drifted)
    yield ROWS, (model,), latest.rows
    yield OUTCOMES, (model,), latest.outcomes
    figures = {"figure": latest.figure, "low": latest.low, "high": latest.high, "registered": latest.registered}
    for what, value in figures.items():
        yield FIGURE, (model, latest.metric or "", what), value
    for kind in ALARMS:
        yield ALARM, (model, kind), float(latest.alarm == kind)
    yield FROZEN, (model,), float(latest.frozen)
    yield SECONDS_SINCE, (model,), max(0.0, time.time() - datetime.fromisoformat(latest.at).timestamp())
