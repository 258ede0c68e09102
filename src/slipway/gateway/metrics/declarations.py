"""Every metric of a worker: a new one is one line here, and the place that counts it with `Metrics.add`, `observe` or `read`.

`/metrics` shows them in this order, each name after `slipway_`, each with the label `worker`.
"""

from __future__ import annotations

from dataclasses import dataclass

# Seconds. An answer takes 0.1 to 10 ms; one that takes longer waited.
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


@dataclass(frozen=True, eq=False)
class Metric:
    """Name, help and labels. A label's values must be few: never a text that a caller invents."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Counter(Metric):
    """A number that only rises. `from_zero`: it is shown as 0 before the first count."""

    from_zero: bool = False


@dataclass(frozen=True, eq=False)
class Gauge(Metric):
    """A number that rises and falls."""


@dataclass(frozen=True, eq=False)
class Histogram(Metric):
    """How many values fall into each of `BUCKETS`."""


REQUESTS = Counter("requests", "Replies.", ("model", "endpoint", "status"))
ROWS = Counter("rows", "Rows that were answered.", ("model",))
REFUSALS = Counter("refusals", "Requests that were refused, by reason.", ("kind",))
SHADOW_ROWS = Counter("shadow_rows", "Rows that champion and challenger both answered, by whether they agree.", ("model", "agrees"))
SHADOW_SKIPPED = Counter(
    "shadow_skipped", "Answered rows that were not compared: too many waited, or the other version or the audit log failed.", ("model",)
)
OUTCOMES = Counter("outcomes", "Outcomes that callers sent, by kind: recorded, corrected, repeated.", ("model", "kind"))
AUDIT_LINES = Counter("audit_lines", "Lines that are safe in the audit log.", from_zero=True)
AUDIT_DROPPED = Counter("audit_dropped", "Lines that could not be written; their rows were not answered.", from_zero=True)
CONNECTIONS_REFUSED = Counter("connections_refused", "Connections that were one too many.")
CONNECTIONS_TIMED_OUT = Counter("connections_timed_out", "Connections that were closed because the caller took too long.")
UPGRADES_IGNORED = Counter("upgrades_ignored", "Requests that offered another protocol and were answered in HTTP/1.1.")
LOG_LINES_LEFT_OUT = Counter("log_lines_left_out", "Warnings and errors that were counted, not logged, because others like them were.")
DESCRIPTORS_EXHAUSTED = Counter("descriptors_exhausted", "Times at which no file descriptor was free.")
CERTIFICATE_RELOADS = Counter("certificate_reloads", "New certificates that were taken.")
IN_FLIGHT = Gauge("in_flight", "Requests in work.")
AUDIT_QUEUE = Gauge("audit_queue", "Lines that wait to be committed to the audit log.")
AUDIT_REFUSALS_LOST = Gauge("audit_refusals_lost", "Refused requests that were not logged.")
QUEUE_DEPTH = Gauge("queue_depth", "Requests that wait for a place.")
CONNECTIONS_OPEN = Gauge("connections_open", "Open connections.")
CERTIFICATE_SECONDS_LEFT = Gauge("certificate_seconds_left", "Seconds until the TLS certificate ends.")
CERTIFICATE_DAMAGED = Gauge("certificate_damaged", "1 while the certificate files hold something that cannot be used.")
LIMITS_STORAGE_LOST = Gauge("limits_storage_lost", "1 while the shared storage of rate limits does not answer.")
READY = Gauge("ready", "1 while the worker is ready.")
REQUEST_SECONDS = Histogram("request_seconds", "Time to answer.", ("model",))
MODEL_INFO = Gauge("model_info", "1 for the version in service.", ("model", "version", "run"))

METRICS = tuple(metric for metric in list(vars().values()) if isinstance(metric, Metric))
