"""How the cells of a column are spread among the training rows and in a window: what a report draws."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from slipway.monitoring.drift.columns import Compared
from slipway.monitoring.findings import ColumnShares

BINS = 12  # spans of numbers
VALUES = 8  # named values of a category; the others are counted together
REST = "other values"
ENDS = (0.01, 0.99)  # quantiles between which the spans are; what is beyond counts in the outermost


def shares(columns: Iterable[Compared]) -> list[ColumnShares]:
    """Return the shares of each column that has cells, among the training rows and in the window."""
    return [_shares(column) for column in columns if len(column.reference) and len(column.current)]


def _shares(column: Compared) -> ColumnShares:
    then, now = column.reference, column.current
    if column.categories:
        labels = _values(then, now)
        counted = [_by_value(cells, labels) for cells in (then, now)]
    else:
        edges = _edges(pd.concat([then, now]))
        labels = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
        counted = [_by_span(cells, edges) for cells in (then, now)]
    return ColumnShares(column=column.name, categories=column.categories, labels=labels, then=counted[0], now=counted[1])


def _values(then: pd.Series[Any], now: pd.Series[Any]) -> list[str]:
    """Return the values that a report names, the most frequent first, and one name for the rest if there is a rest."""
    both = then.value_counts(normalize=True).add(now.value_counts(normalize=True), fill_value=0).sort_values(ascending=False)
    return [*map(str, both.index[:VALUES]), *([REST] if len(both) > VALUES else [])]


def _by_value(cells: pd.Series[Any], labels: list[str]) -> list[float]:
    found = cells.value_counts(normalize=True)
    named = [float(found.get(label, 0.0)) for label in labels[:VALUES]]
    return [*named, *([max(0.0, 1.0 - sum(named))] if len(labels) > VALUES else [])]


def _edges(cells: pd.Series[Any]) -> list[float]:
    low, high = (float(cells.quantile(end)) for end in ENDS)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return [float(edge) for edge in np.linspace(low, high, BINS + 1)]


def _by_span(cells: pd.Series[Any], edges: list[float]) -> list[float]:
    counts, _ = np.histogram(cells.clip(edges[0], edges[-1]), bins=edges)
    return [float(count) / len(cells) for count in counts]
