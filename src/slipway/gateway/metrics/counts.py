"""What the gateway counts. Counting is a few additions; `exposition` turns the counts into Prometheus' text when somebody asks."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping

import msgspec

# Seconds. An answer takes 0.1 to 10 ms; whatever takes longer waited.
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

Answer = tuple[str, str, int]


class Counts(msgspec.Struct):
    """The counts of one worker since it started, as they are handed on to the worker that is asked.

    `answers` is by model, endpoint and status; `latencies` by model: a count for each bucket and beyond the last, then the sum.
    `shadows` are rows by model and by whether both versions agree; `outcomes` are by model and by what became of them.
    """

    answers: list[tuple[str, str, int, int]]
    latencies: dict[str, list[float]]
    rows: dict[str, int]
    refusals: dict[str, int]
    gauges: dict[str, float]
    versions: dict[str, tuple[str, str]] = {}
    shadows: list[tuple[str, bool, int]] = []
    shadows_skipped: dict[str, int] = {}
    outcomes: list[tuple[str, str, int]] = []


class Metrics:
    """The counts of this worker. `model` is one that is installed, or empty: names that callers invent must not become series."""

    def __init__(self) -> None:
        self._answers: Counter[Answer] = Counter()
        self._latencies: dict[str, list[float]] = {}
        self._rows: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()
        self._gauges: Counter[str] = Counter()
        self._shadows: Counter[tuple[str, bool]] = Counter()
        self._shadows_skipped: Counter[str] = Counter()
        self._outcomes: Counter[tuple[str, str]] = Counter()

    def answered(self, model: str, endpoint: str, status: int, seconds: float) -> None:
        """Count one reply, whatever it says, and the time since the request came."""
        self._answers[model, endpoint, status] += 1
        found = self._latencies.get(model)
        if found is None:
            found = self._latencies[model] = [0.0] * (len(BUCKETS) + 2)
        found[bisect_left(BUCKETS, seconds)] += 1
        found[-1] += seconds

    def scored(self, model: str, rows: int) -> None:
        """Count rows that were answered."""
        self._rows[model] += rows

    def shadowed(self, model: str, agreeing: int, differing: int) -> None:
        """Count rows that both versions answered, and whose two answers are in the audit log."""
        self._shadows[model, True] += agreeing
        self._shadows[model, False] += differing

    def shadow_skipped(self, model: str, rows: int) -> None:
        """Count answered rows that the other version was not asked about, or failed at, or whose shadows could not be written."""
        self._shadows_skipped[model] += rows

    def outcomes(self, model: str, kinds: Mapping[str, int]) -> None:
        """Count outcomes that are safe in the audit log, by kind: recorded, corrected, repeated."""
        for kind, number in kinds.items():
            self._outcomes[model, kind] += number

    def refused(self, kind: str) -> None:
        """Count a refusal by its kind, as the `error_code` of the reply; one of few, never a text of the caller's."""
        self._refusals[kind] += 1

    def audited(self, lines: int) -> None:
        """Count lines that are safe in the audit log."""
        self._gauges["audit_lines"] += lines

    def audit_lost(self, lines: int) -> None:
        """Count lines that could not be written, whose rows were therefore not answered."""
        self._gauges["audit_dropped"] += lines

    def counts(self) -> Counts:
        """Return a copy of all counts."""
        answers = [(*key, times) for key, times in self._answers.items()]
        latencies = {model: list(found) for model, found in self._latencies.items()}
        found = Counts(answers, latencies, dict(self._rows), dict(self._refusals), dict(self._gauges))
        found.shadows = [(*key, times) for key, times in self._shadows.items()]
        found.shadows_skipped = dict(self._shadows_skipped)
        found.outcomes = [(*key, number) for key, number in self._outcomes.items()]
        return found
