"""Figures by slice: by sex, by age band, by any column that the spec names."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from slipway.problems.training import Evaluation, Flags, Interval
from slipway.records import Metrics
from slipway.spec import Boolean, Category, ModelSpec, Numeric
from slipway.training.evidence.intervals import interval

ENOUGH_ROWS = 20  # with fewer, one row moves a share by more than five points


@dataclass(frozen=True, slots=True)
class Slice:
    """The figures of the rows in one slice, such as "Sex = F" or "40 <= Age < 65"; a figure that its rows do not define is left out.

    `interval` is the 95 % interval of the spec's metric.
    """

    feature: str
    name: str
    rows: int
    figures: Metrics
    interval: Interval | None

    @property
    def enough(self) -> bool:
        """Whether there are enough rows to judge the slice."""
        return self.rows >= ENOUGH_ROWS


def by_slice(spec: ModelSpec, features: pd.DataFrame, evaluation: Evaluation) -> list[Slice]:
    """Return the figures of every slice of the spec, also of slices without rows.

    Args:
        features: (n, columns) raw rows, in the order of the evaluation.
        evaluation: The model's answers to them.
    """
    return [_slice(spec, feature, name, mask, evaluation) for feature, name, mask in masks(spec, features)]


def masks(spec: ModelSpec, features: pd.DataFrame) -> Iterator[tuple[str, str, Flags]]:
    """Yield the feature, the name and the (n,) members of each slice; every row is in one slice of each feature."""
    for feature, edges in spec.slices.items():
        cells, kind = features[feature].to_numpy(), spec.columns.features[feature]
        gaps = features[feature].isna().to_numpy()
        if isinstance(kind, Numeric):
            bounds = [-math.inf, *edges, math.inf]
            for low, high in pairwise(bounds):
                yield feature, _band(feature, kind, low, high), (cells >= low) & (cells < high)
        elif isinstance(kind, Boolean):
            yield feature, f"{feature} = true", cells == True  # noqa: E712 - an array
            yield feature, f"{feature} = false", cells == False  # noqa: E712
        elif isinstance(kind, Category):
            for value in kind.values:
                yield feature, f"{feature} = {value}", cells == value
            if kind.other:
                yield feature, f"{feature} = any other", ~np.isin(cells, kind.values) & ~gaps
        if kind.missing:
            yield feature, f"{feature} is missing", gaps


def _band(feature: str, kind: Numeric, low: float, high: float) -> str:
    lowest, above = (low if kind.low is None else max(low, kind.low)), (high if kind.high is None else min(high, kind.high + 1))
    if kind.integer and above - lowest == 1:
        return f"{feature} = {lowest:g}"
    if low == -math.inf:
        return f"{feature} < {high:g}"
    return f"{feature} >= {low:g}" if high == math.inf else f"{low:g} <= {feature} < {high:g}"


def _slice(spec: ModelSpec, feature: str, name: str, mask: Flags, evaluation: Evaluation) -> Slice:
    members = evaluation.only(mask)
    if not members.rows:
        return Slice(feature, name, 0, {}, None)
    figures = members.weighted().figures(np.ones(members.rows))
    defined = {key: value for key, value in figures.items() if not math.isnan(value)}
    return Slice(feature, name, members.rows, defined, interval(spec.metric, members, spec.split.seed))
