"""Champion and challenger compared row by row, on rows with known outcomes.

Two separate intervals say little about two models that answered the same rows, because most rows move both figures alike. A paired
comparison counts only the discordant rows, where one model is right and the other is wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import norm

from slipway.comparison.confidence import ONCE, reach, rows_needed
from slipway.comparison.delong import areas
from slipway.comparison.proportions import Discordant
from slipway.records import Effect, Paired
from slipway.training.evaluation import Answers
from slipway.training.weighted import WeightedFigures

ENOUGH_ROWS = 50  # with fewer, one row moves a share by more than two points, and no verdict is given
RESAMPLES, RESAMPLES_OF_MANY, MANY = 1_000, 200, 5_000  # with more rows the bootstrap is smoother, and each resample costs more

Word = Literal["challenger better", "champion better", "no difference shown"]


@dataclass(frozen=True, slots=True)
class _Estimate:
    """An effect, the interval that decides the verdict, and the standard deviations of one row's part in the difference."""

    effect: Effect
    interval: tuple[float, float]
    deviations: tuple[float, float]


def compare(metric: str, *, champion: Answers, challenger: Answers, repeated: bool = False, seed: int = 0) -> Paired:
    """Compare two models on n >= 1 rows that both answered.

    Args:
        metric: The spec's metric; it decides the verdict.
        champion, challenger: Answers to the same rows, in the same order.
        repeated: Whether the comparison is repeated as rows come in. A 95 % interval that is read after each batch excludes 0 sooner
            or later, far more often than in one case of twenty, although the models are equally good. So the verdict then uses a wider
            interval, which keeps its level over all readings together. The rows must be all rows of the challenge, not a selection.
        seed: Of the bootstrap.
    Raises:
        ValueError: The rows have different outcomes, or there are none.
    """
    rows = len(champion.truth)
    if not rows or list(champion.truth) != list(challenger.truth):
        raise ValueError(f"champion and challenger must have answered the same rows: {rows} and {len(challenger.truth)} were given.")
    discordant, far = _discordant(champion, challenger), reach(rows, repeated)
    accuracy = _of_accuracy(champion, discordant, far)
    auc = _of_areas(champion, challenger, far) if champion.target.binary else None
    closed = {"accuracy": accuracy, "roc_auc": auc}
    judged = closed[metric] if metric in closed else _of_resamples(metric, champion, challenger, far, seed)
    verdict, needed = _verdict(judged, rows, repeated)
    found = Paired(
        metric=metric,
        rows=rows,
        disagreeing=sum(ours != theirs for ours, theirs in zip(champion.labels, challenger.labels, strict=True)),
        only_champion_right=discordant.champion,
        only_challenger_right=discordant.challenger,
        accuracy=accuracy.effect,
        auc=auc.effect if auc else None,
        effect=judged.effect if judged else None,
        repeated=repeated,
        low=judged.interval[0] if judged else None,
        high=judged.interval[1] if judged else None,
        rows_needed=needed,
        verdict=verdict,
        reason="",
    )
    return found.model_copy(update={"reason": _words(found)})


def _discordant(champion: Answers, challenger: Answers) -> Discordant:
    rows = zip(champion.truth, champion.labels, challenger.labels, strict=True)
    right = [(theirs == true, ours == true) for true, theirs, ours in rows]
    return Discordant(len(right), right.count((False, True)), right.count((True, False)))


def _of_accuracy(champion: Answers, discordant: Discordant, far: float) -> _Estimate:
    right = sum(true == label for true, label in zip(champion.truth, champion.labels, strict=True)) / discordant.rows
    low, high = discordant.interval(ONCE)
    effect = Effect(
        figure="accuracy",
        champion=right,
        challenger=right + discordant.difference,
        difference=discordant.difference,
        low=low,
        high=high,
        p_value=discordant.p_value,
        method="Tango's score interval, exact McNemar test",
    )
    return _Estimate(effect, discordant.interval(far), discordant.deviations)


def _of_areas(champion: Answers, challenger: Answers, far: float) -> _Estimate | None:
    found = areas(champion.hits, champion.positive, challenger.positive)
    if found is None:
        return None
    return _normal("roc_auc", found.champion, found.challenger, found.error, len(champion.truth), far, "DeLong")


def _of_resamples(metric: str, champion: Answers, challenger: Answers, far: float, seed: int) -> _Estimate | None:
    """Measure both models on the same resampled rows; return None if the rows do not define the metric for both."""
    rows, scorers = len(champion.truth), (WeightedFigures(champion), WeightedFigures(challenger))
    generator = np.random.default_rng(seed)
    theirs, ours = (scorer.figure(metric, np.ones(rows)) for scorer in scorers)
    gaps = []
    for _ in range(RESAMPLES if rows <= MANY else RESAMPLES_OF_MANY):
        weights = np.bincount(generator.integers(rows, size=rows), minlength=rows).astype(np.float64)
        first, second = (scorer.figure(metric, weights) for scorer in scorers)
        gaps.append(second - first)
    error = float(np.nanstd(gaps)) if not np.isnan(gaps).all() else math.nan
    if math.isnan(theirs) or math.isnan(ours) or math.isnan(error):
        return None
    return _normal(metric, theirs, ours, error, rows, far, "paired bootstrap")


def _normal(figure: str, theirs: float, ours: float, error: float, rows: int, far: float, method: str) -> _Estimate:
    """Return an effect whose estimate is normally distributed with the standard error."""
    gap = ours - theirs
    effect = Effect(
        figure=figure,
        champion=theirs,
        challenger=ours,
        difference=gap,
        low=gap - ONCE * error,
        high=gap + ONCE * error,
        p_value=float(2 * norm.sf(abs(gap) / error)) if error else float(gap == 0),
        method=method,
    )
    return _Estimate(effect, (gap - far * error, gap + far * error), (error * math.sqrt(rows),) * 2)


def _verdict(judged: _Estimate | None, rows: int, repeated: bool) -> tuple[Word, int | None]:
    if judged is None:
        return "no difference shown", None
    (low, high), gap = judged.interval, judged.effect.difference
    if rows >= ENOUGH_ROWS and (low > 0 or high < 0):
        return ("challenger better" if low > 0 else "champion better"), None
    needed = rows_needed(gap, judged.deviations, rows, repeated)
    return "no difference shown", None if needed is None else max(needed, ENOUGH_ROWS - rows)


def _words(found: Paired) -> str:
    if found.effect is None or found.low is None or found.high is None:
        return f"{found.verdict}: {found.rows:,} rows do not define {found.metric} for both"
    effect, holds = found.effect, " that holds at every look" if found.repeated else ""
    summary = (
        f"{found.verdict}: {effect.figure} {effect.challenger:.4f} against the champion's {effect.champion:.4f} on the same "
        f"{found.rows:,} rows, {effect.difference:+.4f}, 95 % interval{holds} {found.low:+.4f} to {found.high:+.4f}"
    )
    few = f"; fewer than {ENOUGH_ROWS} rows are not judged" if found.rows < ENOUGH_ROWS else ""
    needed = f"; a difference as large as this one would take about {found.rows_needed:,} more rows" if found.rows_needed else ""
    return summary + few + needed
