"""The confidence interval of a share of rows."""

from __future__ import annotations

from scipy.stats import binomtest


def wilson(hits: int, rows: int, level: float) -> tuple[float, float]:
    """Return Wilson's score interval (JASA 22, 1927). It stays within 0 and 1, and holds its level for few rows too."""
    found = binomtest(hits, rows).proportion_ci(level, method="wilson")
    return float(found.low), float(found.high)
