"""How right a version's answers were by their outcomes, compared with its figures at registration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
import pandas as pd

from slipway.monitoring.falls import fall
from slipway.monitoring.findings import MeanError, Performance, SliceFigure
from slipway.problems.training import Evaluation, Interval
from slipway.spec import ModelSpec
from slipway.training.evidence.intervals import LEVEL, interval
from slipway.training.evidence.slices import Slice, by_slice


@dataclass(frozen=True, slots=True)
class Registered:
    """The spec's metric of a version on the test rows of its registration, with its 95 % interval, and by slice.

    `mean_error`: of a regression, the mean of outcome less answer, with its interval.
    """

    figure: float
    interval: Interval
    slices: Sequence[Slice]
    rows: int
    mean_error: tuple[float, Interval] | None


def registered(spec: ModelSpec, tested: pd.DataFrame, answers: Evaluation) -> Registered:
    """Measure a version on its test rows. Intervals are slow, so do it once for all windows.

    Args:
        tested: (n, columns) the test rows.
        answers: The version's answers to them.
    """
    found = answers.figure(spec.metric)
    around = interval(spec.metric, answers, spec.split.seed) or (found, found)
    return Registered(found, around, by_slice(spec, tested, answers), answers.rows, answers.mean_error(LEVEL))


def measure(
    spec: ModelSpec, features: pd.DataFrame, answers: Evaluation, before: Registered, *, sample: bool = False
) -> Performance | None:
    """Measure the answers to rows with outcomes.

    Args:
        features: (n, columns) the rows as they were sent, n >= 1.
        answers: The version's answers to them; `truth` is the outcomes.
        before: The same version on the test rows of its registration.
        sample: Whether the version was trained on sample rows; the gate may have another floor for those.
    Returns:
        None if the rows do not define the spec's metric: rows of one class do not define an area under the curve.
    """
    metrics = {name: value for name, value in answers.weighted().figures(np.ones(answers.rows)).items() if isfinite(value)}
    if spec.metric not in metrics:
        return None
    now = metrics[spec.metric]
    low, high = interval(spec.metric, answers, spec.split.seed) or (now, now)
    lower = spec.lower_is_better
    least, most = fall(now, (low, high), before.figure, before.interval)
    floor = spec.gate.sample_floor if sample and spec.gate.sample_floor is not None else spec.gate.floor
    hits = int(answers.right.sum())
    return Performance(
        metric=spec.metric,
        figure=now,
        low=low,
        high=high,
        registered=before.figure,
        floor=floor,
        worse=least > spec.gate.tolerance if lower else most < -spec.gate.tolerance,
        below_floor=low > floor if lower else high < floor,
        lower_is_better=lower,
        registered_interval=before.interval,
        registered_rows=before.rows,
        tolerance=spec.gate.tolerance,
        mean_error=_mean_error(answers, before),
        hits=hits,
        misses=answers.rows - hits,
        metrics=metrics,
        confusion_matrix=answers.confusion(),
        slices=[_slice(spec, part, was) for part, was in zip(by_slice(spec, features, answers), before.slices, strict=True)],
    )


def _mean_error(answers: Evaluation, before: Registered) -> MeanError | None:
    found, was = answers.mean_error(LEVEL), before.mean_error
    if found is None or was is None:
        return None
    (figure, (low, high)), (registered, (least, most)) = found, was
    return MeanError(figure=figure, low=low, high=high, registered=registered, registered_low=least, registered_high=most)


def _slice(spec: ModelSpec, now: Slice, before: Slice) -> SliceFigure:
    figure, registered = now.figures.get(spec.metric), before.figures.get(spec.metric)
    worse = False
    if now.enough and figure is not None and now.interval and registered is not None and before.interval:
        least, most = fall(figure, now.interval, registered, before.interval)
        worse = least > spec.gate.slice_tolerance if spec.lower_is_better else most < -spec.gate.slice_tolerance
    low, high = now.interval or (None, None)
    return SliceFigure(name=now.name, rows=now.rows, figure=figure, low=low, high=high, registered=registered, worse=worse)
