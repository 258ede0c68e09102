"""What a bundle costs in service: disk space, and time for a row."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from slipway.bundle.engine import by_column, open_engine
from slipway.bundle.reading import Bundle


@dataclass(frozen=True, slots=True)
class Footprint:
    """The size of all files of a bundle in 10^6 bytes, and the median milliseconds of its engine for one row, over `probes` rows."""

    megabytes: float
    milliseconds: float
    probes: int


def footprint(bundle: Bundle) -> Footprint:
    """Measure a bundle whose folder still exists. The engine answers each probe row twice: once to warm up, and once to be timed."""
    size = sum(path.stat().st_size for path in bundle.folder.rglob("*") if path.is_file())
    engine, rows = open_engine(bundle), [by_column([row], bundle.contract) for row in bundle.probe.rows]
    for row in rows:
        engine.probabilities(row)
    taken = []
    for row in rows:
        started = time.perf_counter()
        engine.probabilities(row)
        taken.append(time.perf_counter() - started)
    return Footprint(size / 1e6, 1000 * statistics.median(taken), len(rows))
