"""How much a figure would change with other test rows."""

from __future__ import annotations

import numpy as np

from slipway.problems.training import Evaluation, Interval

RESAMPLES, LEVEL = 1_000, 0.95


def method(evaluation: Evaluation) -> str:
    """Return in words how `intervals` computes the intervals, and what they mean."""
    exact = f"{evaluation.exact_method} The others: percentile bootstrap"
    if evaluation.weights is not None:
        exact = "Each row counts with its weight; strata and clusters of a survey are not known here. Percentile bootstrap"
    return (
        f"{LEVEL:.0%} intervals over the test rows. {exact}, {RESAMPLES:,} resamples of "
        "the rows (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). "
        "They show how much chance in the choice of test rows explains, and nothing about other hospitals, customers or years."
    )


def intervals(evaluation: Evaluation, seed: int) -> dict[str, Interval]:
    """Return a 95 % confidence interval of every figure, as `method` says.

    Args:
        evaluation: n >= 1 rows.
        seed: The seed of the resampling; the same seed gives the same intervals.
    Returns:
        Low and high by figure; a figure that no resample defines is left out.
    """
    return bootstrap(evaluation, seed) | evaluation.exact_intervals(LEVEL)


def interval(name: str, evaluation: Evaluation, seed: int) -> Interval | None:
    """Return the interval of one figure; None if the rows do not define it."""
    exact = evaluation.exact_intervals(LEVEL)
    return exact[name] if name in exact else bootstrap(evaluation, seed).get(name)


def bootstrap(evaluation: Evaluation, seed: int) -> dict[str, Interval]:
    """Return percentile intervals over resamples of the rows, by figure."""
    generator, rows, scorer = np.random.default_rng(seed), evaluation.rows, evaluation.weighted()
    drawn = [scorer.figures(np.bincount(generator.integers(rows, size=rows), minlength=rows).astype(np.float64)) for _ in range(RESAMPLES)]
    found = {}
    for name in drawn[0]:
        values = np.array([figures[name] for figures in drawn])
        if not np.isnan(values).all():
            low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            found[name] = (float(low), float(high))
    return found
