"""The counts of one worker. Counting is one addition; `exposition` makes Prometheus' text of the counts when it is asked for."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import msgspec

from slipway.gateway.metrics.declarations import BUCKETS, METRICS, Counter, Gauge, Histogram

S = TypeVar("S")
T = TypeVar("T")
Labels = tuple[str, ...]
Samples = Iterable[tuple[Labels, float]]


class Counts(msgspec.Struct):
    """The counts of one worker since its start, as the other workers read them: by metric, then by the values of its labels.

    `values` are of counters and gauges; `histograms` hold a count for each bucket and beyond the last, then the sum.
    """

    values: dict[str, list[tuple[Labels, float]]]
    histograms: dict[str, list[tuple[Labels, list[float]]]]


class Metrics:
    """Counts for one worker, in memory. Label values are in the order of the metric's declaration."""

    def __init__(self) -> None:
        self._counters: dict[Counter, dict[tuple[str | int, ...], int]] = {
            metric: defaultdict(int, {(): 0} if metric.from_zero else {}) for metric in METRICS if isinstance(metric, Counter)
        }
        self._histograms: dict[Histogram, dict[tuple[str | int, ...], list[float]]] = {
            metric: defaultdict(lambda: [0.0] * (len(BUCKETS) + 2)) for metric in METRICS if isinstance(metric, Histogram)
        }
        self._readings: dict[Counter | Gauge, Callable[[], Samples]] = {}

    def add(self, metric: Counter, number: int, *labels: str | int) -> None:
        """Count `number` more."""
        self._counters[metric][labels] += number

    def observe(self, metric: Histogram, value: float, *labels: str | int) -> None:
        """Count one value."""
        counts = self._histograms[metric][labels]
        counts[bisect_left(BUCKETS, value)] += 1
        counts[-1] += value

    def read(self, metric: Counter | Gauge, value: Callable[[], float]) -> None:
        """Take a metric without labels from `value` whenever the counts are read."""
        self._readings[metric] = lambda: [((), value())]

    def read_all(self, metric: Counter | Gauge, samples: Callable[[], Samples]) -> None:
        """Take a metric with labels from `samples` whenever the counts are read."""
        self._readings[metric] = samples

    def counts(self) -> Counts:
        """Return a copy of all counts."""
        values = {metric.name: _samples(found, float) for metric, found in self._counters.items()}
        values |= {metric.name: [(labels, float(value)) for labels, value in samples()] for metric, samples in self._readings.items()}
        return Counts(values, {metric.name: _samples(found, list) for metric, found in self._histograms.items()})


def _samples(found: Mapping[tuple[str | int, ...], S], copy: Callable[[S], T]) -> list[tuple[Labels, T]]:
    return [(tuple(map(str, labels)), copy(value)) for labels, value in found.items()]
