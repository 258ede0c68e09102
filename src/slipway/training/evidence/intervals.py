"""How far a figure would move if other test rows had been drawn."""

from __future__ import annotations

import numpy as np
from scipy.stats import binomtest

from slipway.training.evaluation import Answers
from slipway.training.weighted import WeightedFigures

Interval = tuple[float, float]

RESAMPLES, LEVEL = 1_000, 0.95
METHOD = (
    f"{LEVEL:.0%} intervals over the test rows. Accuracy: Wilson's score interval (Wilson, JASA 22, 1927). The others: percentile "
    f"bootstrap, {RESAMPLES:,} resamples of the rows (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). "
    "They say how far chance in the choice of test rows reaches, and nothing of other hospitals, customers or years."
)


def intervals(answers: Answers, seed: int) -> dict[str, Interval]:
    """Return a 95 % confidence interval of every figure, as `METHOD` says.

    Args:
        answers: n >= 1 rows.
        seed: Of the resampling; the same seed gives the same interval.
    Returns:
        Low and high by figure; a figure that no resample defines is left out.
    """
    return bootstrap(answers, seed) | {"accuracy": wilson(answers)}


def interval(name: str, answers: Answers, seed: int) -> Interval | None:
    """Return the interval of one figure; None if the rows do not define it."""
    return wilson(answers) if name == "accuracy" else bootstrap(answers, seed).get(name)


def bootstrap(answers: Answers, seed: int) -> dict[str, Interval]:
    """Return percentile intervals over resamples of the rows, by figure."""
    generator, rows, scorer = np.random.default_rng(seed), len(answers.truth), WeightedFigures(answers)
    drawn = [scorer.figures(np.bincount(generator.integers(rows, size=rows), minlength=rows).astype(np.float64)) for _ in range(RESAMPLES)]
    found = {}
    for name in drawn[0]:
        values = np.array([figures[name] for figures in drawn])
        if not np.isnan(values).all():
            low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            found[name] = (float(low), float(high))
    return found


def wilson(answers: Answers) -> Interval:
    """Return Wilson's interval of the accuracy, which stays within 0 and 1 and holds its level for few rows too."""
    right = sum(true == said for true, said in zip(answers.truth, answers.labels, strict=True))
    found = binomtest(right, len(answers.truth)).proportion_ci(LEVEL, method="wilson")
    return float(found.low), float(found.high)
