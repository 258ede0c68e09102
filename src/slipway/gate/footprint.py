"""What a bundle costs where it is served: space, and time for a row."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from slipway.bundle.engine import by_column, open_engine
from slipway.bundle.reading import Bundle


@dataclass(frozen=True, slots=True)
class Footprint:
    """All files of a bundle in 10^6 bytes, and the median milliseconds that its engine takes for one row, over `probes` rows."""

    megabytes: float
    milliseconds: float
    probes: int


def footprint(bundle: Bundle) -> Footprint:
    """Measure a bundle whose folder still exists. Each probe row is asked once to warm up, and once with the clock running."""
    size = sum(path.stat().st_size for path in bundle.folder.rglob("*") if path.is_file())
    engine, questions = open_engine(bundle), [by_column([row], bundle.contract) for row in bundle.probe.rows]
    for question in questions:
        engine.probabilities(question)
    taken = []
    for question in questions:
        started = time.perf_counter()
        engine.probabilities(question)
        taken.append(time.perf_counter() - started)
    return Footprint(size / 1e6, 1000 * statistics.median(taken), len(questions))
