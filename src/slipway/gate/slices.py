"""Candidate and champion by slice, and how much of their difference chance explains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.problems.training import Evaluation, WeightedFigures
from slipway.spec import ModelSpec
from slipway.training.evidence.intervals import LEVEL, RESAMPLES, interval
from slipway.training.evidence.slices import ENOUGH_ROWS, masks


@dataclass(frozen=True, slots=True)
class Level:
    """The candidate's figure in one slice, and the better end of its 95 % interval; NaN if the slice cannot be judged."""

    name: str
    rows: int
    figure: float = math.nan
    best: float = math.nan

    @property
    def judged(self) -> bool:
        """Whether there are enough rows, and they define the figure."""
        return not math.isnan(self.figure)


@dataclass(frozen=True, slots=True)
class SliceDifference:
    """Both figures in one slice; NaN if the slice cannot be judged.

    `least` is the lower end of the 95 % interval of `worse`; NaN also if the candidate is not worse.
    """

    name: str
    rows: int
    ours: float = math.nan
    theirs: float = math.nan
    least: float = math.nan
    lower_is_better: bool = False

    @property
    def judged(self) -> bool:
        """Whether there are enough rows, and they define the figure."""
        return not math.isnan(self.ours)

    @property
    def worse(self) -> float:
        """How much worse the candidate is; negative if it is better."""
        return self.ours - self.theirs if self.lower_is_better else self.theirs - self.ours


def levels(spec: ModelSpec, features: pd.DataFrame, ours: Evaluation) -> list[Level]:
    """Return the candidate's figure in every slice that the spec names.

    Args:
        features: (n, columns) raw rows, in the order of the answers.
    """
    return [_level(spec, name, ours.only(mask)) for _, name, mask in masks(spec, features)]


def differences(spec: ModelSpec, features: pd.DataFrame, ours: Evaluation, theirs: Evaluation) -> list[SliceDifference]:
    """Return both figures in every slice that the spec names.

    Args:
        features: (n, columns) raw rows, in the order of both models' answers.
    """
    return [_difference(spec, name, ours.only(mask), theirs.only(mask)) for _, name, mask in masks(spec, features)]


def _level(spec: ModelSpec, name: str, ours: Evaluation) -> Level:
    rows = ours.rows
    found = interval(spec.metric, ours, spec.split.seed) if rows >= ENOUGH_ROWS else None
    best = 0 if spec.lower_is_better else 1
    return Level(name, rows, ours.weighted().figures(np.ones(rows))[spec.metric], found[best]) if found else Level(name, rows)


def _difference(spec: ModelSpec, name: str, ours: Evaluation, theirs: Evaluation) -> SliceDifference:
    rows = ours.rows
    if rows < ENOUGH_ROWS:
        return SliceDifference(name, rows)
    lower = spec.lower_is_better
    pair = _Pair(spec.metric, ours.weighted(), theirs.weighted(), lower)
    our_figure, their_figure = pair.figures(np.ones(rows))
    worse = our_figure > their_figure if lower else their_figure > our_figure
    least = pair.least_gap(rows, spec.split.seed) if worse else math.nan
    return SliceDifference(name, rows, our_figure, their_figure, least, lower)


@dataclass(frozen=True, slots=True)
class _Pair:
    """One figure of two models under the same weights of the same rows."""

    metric: str
    ours: WeightedFigures
    theirs: WeightedFigures
    lower_is_better: bool

    def figures(self, weights: npt.NDArray[np.float64]) -> tuple[float, float]:
        """Return both figures. A figure that is undefined for one model only is 0, such as the precision of a model that never says yes."""
        ours, theirs = self.ours.figures(weights)[self.metric], self.theirs.figures(weights)[self.metric]
        if math.isnan(ours) and math.isnan(theirs):
            return ours, theirs
        return float(np.nan_to_num(ours)), float(np.nan_to_num(theirs))

    def least_gap(self, rows: int, seed: int) -> float:
        """Return the lower end of the percentile interval of how much worse ours is, on the same resampled rows."""
        generator, gaps = np.random.default_rng(seed), []
        for _ in range(RESAMPLES):
            ours, theirs = self.figures(np.bincount(generator.integers(rows, size=rows), minlength=rows).astype(np.float64))
            gaps.append(ours - theirs if self.lower_is_better else theirs - ours)
        return float(np.nanquantile(gaps, (1 - LEVEL) / 2))
