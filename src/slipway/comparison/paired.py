"""Champion and challenger compared row by row, on rows with known outcomes.

Two separate intervals say little about two models that answered the same rows, because most rows move both figures alike. A paired
comparison counts only the discordant rows, where one model is right and the other is wrong, or takes the difference of the errors in
each row.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from slipway.comparison.confidence import reach, rows_needed
from slipway.problems.estimates import Estimate, normal
from slipway.problems.training import Evaluation
from slipway.records import Paired

ENOUGH_ROWS = 50  # with fewer, one row moves a share by more than two points, and no verdict is given
RESAMPLES, RESAMPLES_OF_MANY, MANY = 1_000, 200, 5_000  # with more rows the bootstrap is smoother, and each resample costs more

Word = Literal["challenger better", "champion better", "no difference shown"]


def compare(metric: str, *, champion: Evaluation, challenger: Evaluation, repeated: bool = False, seed: int = 0) -> Paired:
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
    rows = champion.rows
    if not rows or list(champion.truth) != list(challenger.truth):
        raise ValueError(f"champion and challenger must have answered the same rows: {rows} and {challenger.rows} were given.")
    pair, far = champion.beside(challenger), reach(rows, repeated)
    exact = pair.effects(far)
    shown = {figure: estimate.effect for figure, estimate in exact.items() if estimate}
    champion_alone, challenger_alone = pair.better_alone
    judged = exact[metric] if metric in exact else _of_resamples(metric, champion, challenger, far, seed)
    verdict, needed = _verdict(judged, rows, repeated)
    found = Paired(
        metric=metric,
        rows=rows,
        disagreeing=pair.disagreeing,
        only_champion_right=champion_alone,
        only_challenger_right=challenger_alone,
        accuracy=shown.get("accuracy"),
        auc=shown.get("roc_auc"),
        error=shown.get("mean_absolute_error"),
        effect=judged.effect if judged else None,
        repeated=repeated,
        low=judged.interval[0] if judged else None,
        high=judged.interval[1] if judged else None,
        rows_needed=needed,
        verdict=verdict,
        reason="",
    )
    return found.model_copy(update={"reason": _words(found)})


def _of_resamples(metric: str, champion: Evaluation, challenger: Evaluation, far: float, seed: int) -> Estimate | None:
    """Measure both models on the same resampled rows; return None if the rows do not define the metric for both."""
    rows, scorers = champion.rows, (champion.weighted(), challenger.weighted())
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
    lower = champion.target.lower_is_better(metric)
    return normal(metric, theirs, ours, error=error, rows=rows, reach=far, method="paired bootstrap", lower_is_better=lower)


def _verdict(judged: Estimate | None, rows: int, repeated: bool) -> tuple[Word, int | None]:
    if judged is None:
        return "no difference shown", None
    (low, high), gap = judged.interval, judged.effect.difference
    if judged.effect.lower_is_better:
        low, high = -high, -low  # how much better the challenger is
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
