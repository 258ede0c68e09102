"""Which point of the search space a trial tries. It depends only on the spec, the trial's number and the trials before it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, NopPruner, WilcoxonPruner
from optuna.samplers import BaseSampler, GridSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from slipway.spec import ModelSpec

Point = Mapping[str, Any]

WINDOW = 8  # trials under way at most: trial n learns from the scores of trials 0 to n - WINDOW, with any number of processes
STARTUP = 3  # scores that the sampler waits for: with the WINDOW - 1 trials then under way, the first ten points are random
SCHEME = f"trial n learns from trials 0 to n - {WINDOW}, and at random from fewer than {STARTUP}"  # part of a study's name


def known(trials: Sequence[FrozenTrial], number: int) -> Sequence[FrozenTrial]:
    """Return the finished trials that trial `number` may learn from."""
    return trials[: max(0, number + 1 - WINDOW)]


def draw(spec: ModelSpec, number: int, known: Sequence[FrozenTrial], under_way: Sequence[Point]) -> Point:
    """Return the point that trial `number` tries, by Optuna's TPE sampler.

    Args:
        known: The finished trials to learn from, oldest first.
        under_way: Points of the trials between those and this one, without their scores; the sampler avoids them ("constant liar").
    """
    # each trial has its own seed, so an interrupted study continues as if it had not been interrupted
    study = rehearsal(
        spec, known, TPESampler(seed=spec.split.seed + number, multivariate=True, constant_liar=True, n_startup_trials=STARTUP)
    )
    for other in under_way:
        study.add_trial(create_trial(state=TrialState.RUNNING, params=dict(other), distributions=dict(spec.search_space)))
    point: Point = study.ask(dict(spec.search_space)).params
    return point


def grid(spec: ModelSpec) -> list[Point]:
    """Return every point of the spec's grid once, in the order of Optuna's grid sampler."""
    study = rehearsal(spec, [], GridSampler(_values(spec), seed=spec.split.seed))
    return [study.ask(dict(spec.search_space)).params for _ in range(grid_points(spec))]


def grid_points(spec: ModelSpec) -> int:
    """Return how many points the grid of the spec's search space has."""
    return math.prod(len(values) for values in _values(spec).values())


def direction(spec: ModelSpec) -> str:
    """Return whether Optuna maximises or minimises the spec's metric."""
    return "minimize" if spec.lower_is_better else "maximize"


def rehearsal(spec: ModelSpec, known: Sequence[FrozenTrial], sampler: BaseSampler) -> optuna.Study:
    """Return a study in memory that contains only the known trials."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # there is one study in memory for each trial, and Optuna would log each
    study = optuna.create_study(direction=direction(spec), sampler=sampler, pruner=_pruner(spec))
    study.add_trials(known)
    return study


def _pruner(spec: ModelSpec) -> BasePruner:
    # the simplest trial is chosen among complete ones, so a pruned trial could not be chosen
    if spec.simplest:
        return NopPruner()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # its arguments may change in later versions; the version is locked
        return WilcoxonPruner(p_threshold=0.1, n_startup_steps=2)


def _values(spec: ModelSpec) -> dict[str, list[object]]:
    return {key: list(kind.choices) for key, kind in spec.search_space.items() if isinstance(kind, CategoricalDistribution)}
