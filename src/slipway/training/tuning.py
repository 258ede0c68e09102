"""Choosing hyperparameters by cross-validation on the training rows. The test rows are never seen here."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import optuna
from joblib import Parallel, delayed
from optuna.distributions import CategoricalDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, NopPruner, WilcoxonPruner
from optuna.samplers import BaseSampler, GridSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState
from threadpoolctl import threadpool_limits

from slipway.records import Tuned
from slipway.spec import ModelSpec, describe
from slipway.training.splitting import Rows
from slipway.training.thresholds import choose_threshold
from slipway.training.trials import STANDARD_ERROR, Objective

logger = logging.getLogger(__name__)

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
OnTrial = Callable[[int, int, float], None]


def tune(
    spec: ModelSpec, rows: Rows, data_sha256: str, trials: int, folder: Path, on_trial: OnTrial = lambda *_: None, jobs: int = 1
) -> Tuned:
    """Run the study until it holds `trials` finished trials, and return the one to use; see `choose`.

    The study is kept in `folder` after every trial, so after a crash it goes on where it was. With one job it ends where it
    would have ended, because each trial's sampler is seeded by the spec's seed and the number of trials before it. With
    more, processes share the study, and which trial learns from which depends on who is faster.

    Args:
        trials: Pruned ones count; a grid ends with its last point.
        on_trial: Called after every trial with its number from 1, the number wanted, and the best score so far.
        jobs: Processes that try hyperparameters at the same time.
    Returns:
        The chosen trial's parameters, and its mean over the folds of `spec.metric` as scikit-learn scores it.
    """
    study = open_study(spec, data_sha256, folder)
    for abandoned in study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
        study.tell(abandoned.number, state=TrialState.FAIL)  # its process was killed; a release holds the model's lock
    already, wanted = _finished(study), trials if spec.search == "tpe" else min(trials, grid_points(spec))
    if already:
        logger.info("%s: the study %s already has %d trials", spec.name, study.study_name, already)
    todo = range(already, wanted)
    if min(jobs, len(todo)) <= 1:
        objective = Objective(spec, rows)
        done: Iterable[int] = (_try(study, objective, number) for number in todo)
    else:
        attempts = (delayed(_try_elsewhere)(os.getpid(), spec, rows, data_sha256, folder, number) for number in todo)
        done = Parallel(n_jobs=min(jobs, len(todo)), backend="loky", return_as="generator_unordered")(attempts)
    for finished, _ in enumerate(done, start=already + 1):
        on_trial(finished, wanted, study.best_value)
    return _tuned(spec, study, rows)


def study_name(spec: ModelSpec, data_sha256: str) -> str:
    """Name a study after the model, the rows, and everything else that makes trials comparable."""
    question = "\n".join(
        [
            repr(spec.estimator),
            repr(spec.preparation),
            repr(spec.columns),
            spec.metric,
            str(spec.folds),
            str(spec.repeats),
            repr(spec.split),
        ]
        + [spec.search, repr(spec.simplest)]
        + [f"{key}: {describe(value)}" for key, value in sorted(spec.search_space.items())]
    )
    return f"{spec.name}-{data_sha256[:12]}-{hashlib.sha256(question.encode()).hexdigest()[:8]}"


def grid_points(spec: ModelSpec) -> int:
    """Return how many points the grid of the spec's search space has."""
    return math.prod(len(values) for values in _grid(spec).values())


def choose(spec: ModelSpec, study: optuna.Study) -> FrozenTrial:
    """Return the trial with the best mean score, or the simplest one as good as that; see `Simplest`."""
    best: FrozenTrial = study.best_trial
    if spec.simplest is None:
        return best
    key, sign = spec.simplest.parameter, 1 if spec.simplest.direction == "low" else -1
    enough = best.values[0] - best.user_attrs[STANDARD_ERROR]
    others = {name: value for name, value in best.params.items() if name != key}
    as_good = [
        trial
        for trial in study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        if trial.values[0] >= enough and others.items() <= trial.params.items()
    ]
    return min(as_good, key=lambda trial: sign * trial.params[key])


def open_study(spec: ModelSpec, data_sha256: str, folder: Path) -> optuna.Study:
    """Return the model's study on these rows, made if there is none yet."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    name = study_name(spec, data_sha256)
    storage = JournalStorage(JournalFileBackend(str(folder / f"{name}.journal")))
    return optuna.create_study(study_name=name, storage=storage, direction="maximize", load_if_exists=True, pruner=_pruner(spec))


def _pruner(spec: ModelSpec) -> BasePruner:
    # as good as the best is said of whole trials: one that was cut short could not be chosen as the simplest
    if spec.simplest:
        return NopPruner()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # its arguments may change; the version is locked
        return WilcoxonPruner(p_threshold=0.1, n_startup_steps=2)


def _sampler(spec: ModelSpec, number: int) -> BaseSampler:
    if spec.search == "grid":
        return GridSampler(_grid(spec), seed=spec.split.seed)  # the seed also numbers the points, so it must not change
    return TPESampler(seed=spec.split.seed + number, multivariate=True, constant_liar=True, n_startup_trials=10)


def _grid(spec: ModelSpec) -> dict[str, list[object]]:
    return {key: list(kind.choices) for key, kind in spec.search_space.items() if isinstance(kind, CategoricalDistribution)}


def _try(study: optuna.Study, objective: Objective, number: int) -> int:
    """Run one trial and return its number in this search.

    It has one core: trials run side by side, and small matrices are slower on several.
    """
    study.sampler = _sampler(objective.spec, number)
    with threadpool_limits(1):
        study.optimize(objective, n_trials=1)
    return number


_objectives: dict[str, Objective] = {}


def _try_elsewhere(parent: int, spec: ModelSpec, rows: Rows, data_sha256: str, folder: Path, number: int) -> int:
    """Run one trial in a worker process, which keeps the prepared folds for the trials that follow."""
    _end_with(parent)
    study = open_study(spec, data_sha256, folder)
    return _try(study, _objectives.setdefault(study.study_name, Objective(spec, rows)), number)


@cache
def _end_with(parent: int) -> None:
    """End this process when its parent is gone; one that was killed cannot tell its workers."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _finished(study: optuna.Study) -> int:
    return len(study.get_trials(deepcopy=False, states=FINISHED))


def _tuned(spec: ModelSpec, study: optuna.Study, rows: Rows) -> Tuned:
    chosen = choose(spec, study)
    return Tuned(
        model=spec.name,
        study=study.study_name,
        parameters=chosen.params,
        score=chosen.values[0],
        metric=spec.metric,
        trials=_finished(study),
        folds=spec.folds,
        repeats=spec.repeats,
        seed=spec.split.seed,
        threshold=choose_threshold(spec, rows, chosen.params) if spec.tune_threshold else None,
    )
