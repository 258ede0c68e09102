"""What the last watches found, as Prometheus' gauges: the same from every worker, so they name none."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, get_args

from slipway.monitoring.published import Latest, PublishedAlarm

if TYPE_CHECKING:
    from prometheus_client.core import Metric

Sample = tuple[tuple[str, ...], float | None]

TOLD: dict[str, tuple[str, tuple[str, ...]]] = {
    "distance": ("Distance of a served column from the training rows.", ("model", "column")),
    "prediction_distance": ("Distance of the answers from those to the test rows.", ("model",)),
    "drifted_columns": ("Columns that have drifted.", ("model",)),
    "rows": ("Rows of the last window.", ("model",)),
    "outcomes": ("Outcomes that the figures are from.", ("model",)),
    "figure": ("The model's metric by its outcomes, with its interval, and as registered.", ("model", "metric", "what")),
    "alarm": ("1 while there is an alarm of this kind.", ("model", "kind")),
    "frozen": ("1 while no alarm starts a release.", ("model",)),
    "seconds_since": ("Seconds since the last watch.", ("model",)),
    "unreadable": ("1 where what the last watch found cannot be read; the gateway's log says why.", ("model",)),
}
ALARMS = [kind for kind in get_args(PublishedAlarm) if kind]


def gauges(watched: Mapping[str, Latest | None]) -> Iterator[Metric]:
    """Give the gauges; a value that is not known has no sample."""
    from prometheus_client.metrics_core import GaugeMetricFamily

    found: dict[str, list[Sample]] = {name: [] for name in TOLD}
    for model, latest in watched.items():
        found["unreadable"].append(((model,), float(latest is None)))
        for name, samples in (_samples(model, latest) if latest else {}).items():
            found[name] += samples
    for name, (told, labels) in TOLD.items():
        family = GaugeMetricFamily(f"slipway_watch_{name}", told, labels=labels)
        for values, value in found[name]:
            if value is not None:
                family.add_metric(values, value)
        yield family


def _samples(model: str, latest: Latest) -> dict[str, list[Sample]]:
    metric = latest.metric or ""
    figures = {"figure": latest.figure, "low": latest.low, "high": latest.high, "registered": latest.registered}
    return {
        "distance": [((model, column), distance) for column, distance in latest.distances.items()],
        "prediction_distance": [((model,), latest.prediction_distance)],
        "drifted_columns": [((model,), len(latest.drifted))],
        "rows": [((model,), latest.rows)],
        "outcomes": [((model,), latest.outcomes)],
        "figure": [((model, metric, what), value) for what, value in figures.items()],
        "alarm": [((model, kind), float(latest.alarm == kind)) for kind in ALARMS],
        "frozen": [((model,), float(latest.frozen))],
        "seconds_since": [((model,), max(0.0, time.time() - datetime.fromisoformat(latest.at).timestamp()))],
    }
