"""The counts of all workers as Prometheus' text, by `prometheus_client`. It is imported when somebody first asks: 0.1 s and 2.5 MB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from slipway.gateway.metrics import watch_gauges
from slipway.gateway.metrics.counts import BUCKETS, Counts
from slipway.monitoring.published import Latest

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import Collector

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
COUNTERS = {
    "audit_lines": "Lines that are safe in the audit log.",
    "audit_dropped": "Lines that could not be written; their rows were not answered.",
    "connections_refused": "Connections that were one too many.",
    "connections_timed_out": "Connections that were closed because the caller took too long.",
    "certificate_reloads": "New certificates that were taken.",
}
GAUGES = {
    "in_flight": "Requests in work.",
    "audit_queue": "Lines that wait to be committed to the audit log.",
    "audit_refusals_lost": "Refused requests that were not logged.",
    "queue_depth": "Requests that wait for a place.",
    "connections_open": "Open connections.",
    "certificate_seconds_left": "Seconds until the TLS certificate ends.",
    "certificate_damaged": "1 while the certificate files hold something that cannot be used.",
    "limits_storage_lost": "1 while the shared storage of rate limits does not answer.",
    "ready": "1 while the worker is ready.",
}


def text(workers: Mapping[str, Counts], watched: Mapping[str, Latest | None]) -> bytes:
    """Return what `/metrics` answers; every count names its worker, so that one that starts anew resets only its own.

    Args:
        watched: What the last watch of each model found, None where that cannot be read.
    """
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_collector(workers, watched))
    return generate_latest(registry)


def _collector(workers: Mapping[str, Counts], watched: Mapping[str, Latest | None]) -> Collector:
    from prometheus_client.registry import Collector

    class Workers(Collector):
        def collect(self) -> Iterator[Metric]:
            yield from _counters(workers)
            yield from _shadows(workers)
            yield _outcomes(workers)
            yield from _single(workers)
            yield _latencies(workers)
            yield _versions(workers)
            yield from watch_gauges.gauges(watched)

    return Workers()


def _counters(workers: Mapping[str, Counts]) -> Iterator[Metric]:
    made = _families()
    requests = made.CounterMetricFamily("slipway_requests", "Replies.", labels=("worker", "model", "endpoint", "status"))
    rows = made.CounterMetricFamily("slipway_rows", "Rows that were answered.", labels=("worker", "model"))
    refusals = made.CounterMetricFamily("slipway_refusals", "Requests that were refused, by reason.", labels=("worker", "kind"))
    for worker, counts in workers.items():
        for model, endpoint, status, times in counts.answers:
            requests.add_metric((worker, model, endpoint, str(status)), times)
        for model, times in counts.rows.items():
            rows.add_metric((worker, model), times)
        for kind, times in counts.refusals.items():
            refusals.add_metric((worker, kind), times)
    yield from (requests, rows, refusals)


def _shadows(workers: Mapping[str, Counts]) -> Iterator[Metric]:
    made = _families()
    told = "Rows that champion and challenger both answered, by whether they agree."
    rows = made.CounterMetricFamily("slipway_shadow_rows", told, labels=("worker", "model", "agrees"))
    told = "Answered rows that were not compared: too many waited, or the other version or the audit log failed."
    skipped = made.CounterMetricFamily("slipway_shadow_skipped", told, labels=("worker", "model"))
    for worker, counts in workers.items():
        for model, agrees, times in counts.shadows:
            rows.add_metric((worker, model, "yes" if agrees else "no"), times)
        for model, times in counts.shadows_skipped.items():
            skipped.add_metric((worker, model), times)
    yield from (rows, skipped)


def _outcomes(workers: Mapping[str, Counts]) -> Metric:
    told = "Outcomes that callers told, by kind: recorded, corrected, repeated."
    family = _families().CounterMetricFamily("slipway_outcomes", told, labels=("worker", "model", "kind"))
    for worker, counts in workers.items():
        for model, kind, number in counts.outcomes:
            family.add_metric((worker, model, kind), number)
    return cast("Metric", family)


def _single(workers: Mapping[str, Counts]) -> Iterator[Metric]:
    made = _families()
    for names, family in ((COUNTERS, made.CounterMetricFamily), (GAUGES, made.GaugeMetricFamily)):
        for name, told in names.items():
            metric = family(f"slipway_{name}", told, labels=("worker",))
            for worker, counts in workers.items():
                if name in counts.gauges or name in ("audit_lines", "audit_dropped"):
                    metric.add_metric((worker,), counts.gauges.get(name, 0))
            yield metric


def _latencies(workers: Mapping[str, Counts]) -> Metric:
    family = _families().HistogramMetricFamily("slipway_request_seconds", "Time to answer.", labels=("worker", "model"))
    for worker, counts in workers.items():
        for model, (*found, total) in counts.latencies.items():
            bounds = [*map(str, BUCKETS), "+Inf"]
            family.add_metric((worker, model), [(bound, sum(found[: place + 1])) for place, bound in enumerate(bounds)], total)
    return cast("Metric", family)


def _versions(workers: Mapping[str, Counts]) -> Metric:
    labels = ("worker", "model", "version", "run")
    family = _families().GaugeMetricFamily("slipway_model_info", "1 for the version in service.", labels=labels)
    for worker, counts in workers.items():
        for model, (version, run) in counts.versions.items():
            family.add_metric((worker, model, version, run), 1)
    return cast("Metric", family)


@cache
def _families() -> Any:
    from prometheus_client import metrics_core

    return metrics_core
