"""How important each raw column is to the model, by permutation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from slipway.spec import ModelSpec
from slipway.training.measuring import Measured
from slipway.training.splitting import Rows, Weights

REPEATS, MOST_ROWS = 5, 2_000
AT_ONCE = 20_000  # rows that the model answers at once
MOST_ANSWERS = 80_000  # rows that the model answers in all; with many columns, fewer test rows are used


@dataclass(frozen=True, slots=True)
class Importance:
    """How much worse the metric is when one column is shuffled: mean and standard deviation over the repeats, in the metric's unit."""

    column: str
    mean: float
    deviation: float


def loss_of(spec: ModelSpec) -> str:
    """Return the words for a metric that gets worse: an error rises, any other falls."""
    return f"{'rise' if spec.lower_is_better else 'fall'} of {spec.metric}"


def importances(spec: ModelSpec, rows: Rows, measured: Measured) -> list[Importance]:
    """Return the permutation importance of each raw column on test rows, the largest first.

    The method of Breiman, Random Forests, Machine Learning 45 (2001), through the whole pipeline, on at most 2,000 test rows, seeded.
    The model is measured and final by then, and nothing is chosen by its importances, so the test rows still decide only once. Columns
    with the same information hide each other's importance.
    """
    generator = np.random.default_rng(spec.split.seed)
    features, labels, weights = _some(spec, rows, generator)
    truth = labels.tolist()
    (whole,) = _figures(spec, measured.pipeline, [features], truth, weights)
    found, names, together = [], spec.columns.names, max(1, AT_ONCE // (REPEATS * len(features)))
    for columns in (names[start : start + together] for start in range(0, len(names), together)):
        # the model answers all copies at once, not one by one as in scikit-learn: for a forest this is three times faster
        copies = [
            features.assign(**{column: generator.permutation(features[column].to_numpy())}) for column in columns for _ in range(REPEATS)
        ]
        better = -1 if spec.lower_is_better else 1
        falls = better * whole - better * np.array(_figures(spec, measured.pipeline, copies, truth, weights)).reshape(-1, REPEATS)
        found += [Importance(column, float(of.mean()), float(of.std())) for column, of in zip(columns, falls, strict=True)]
    return sorted(found, key=lambda item: -item.mean)


def _some(spec: ModelSpec, rows: Rows, generator: np.random.Generator) -> tuple[pd.DataFrame, pd.Series, Weights | None]:
    most = min(MOST_ROWS, MOST_ANSWERS // (REPEATS * len(spec.columns.names)))
    if len(rows.test) <= most:
        return rows.test, rows.test_labels, rows.test_weights
    chosen = np.sort(generator.choice(len(rows.test), size=most, replace=False))
    weights = None if rows.test_weights is None else rows.test_weights[chosen]
    return rows.test.iloc[chosen], rows.test_labels.iloc[chosen], weights


def _figures(spec: ModelSpec, model: Any, copies: list[pd.DataFrame], truth: list[Any], weights: Weights | None) -> list[float]:
    """Return the metric on each copy."""
    asked = pd.concat(copies, ignore_index=True)
    found = spec.problem.ask_for(spec.metric, model, asked, [truth] * len(copies))
    return [evaluation.counting(weights).figure(spec.metric) for evaluation in found]
