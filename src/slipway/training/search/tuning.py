"""Choosing hyperparameters by cross-validation on the training rows. The test rows are never used here."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from slipway.records import Tuned
from slipway.spec import ModelSpec, describe
from slipway.training.pipelines import build
from slipway.training.search.attempts import attempts
from slipway.training.search.points import SCHEME, Point, direction, grid_points
from slipway.training.search.trials import STANDARD_ERROR
from slipway.training.splitting import Rows, folds, special_folds
from slipway.training.width import require_room

logger = logging.getLogger(__name__)

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
SAMPLE_TRIALS = 3  # generated rows reward neither a search nor repeated folds
OnTrial = Callable[[int, int, float], None]
FIRST = "first_points"  # of a study: those that its first trials try
ROWS = "rows_sha256"  # of a study: the checksum of the rows of the data set, without those of the log


def tune(
    spec: ModelSpec,
    rows: Rows,
    data_sha256: str,
    trials: int,
    folder: Path,
    on_trial: OnTrial = lambda *_: None,
    jobs: int = 1,
    first: Sequence[Point] = (),
    rows_sha256: str = "",
) -> Tuned:
    """Run the study until it has `trials` finished trials, and return the one to use; see `choose`.

    The study is stored in `folder` after every trial, so after a crash it continues and gives the same result. Trials are the same with
    any number of jobs, because their numbers decide which trial learns from which.

    Args:
        trials: How many trials; pruned ones count, and a grid ends with its last point.
        on_trial: Called after every trial with its number from 1, the number wanted, and the best score so far.
        jobs: Processes that try hyperparameters at the same time; more than `WINDOW` are not used.
        first: The points of the first trials, such as those of `best_points`; they are kept with the study.
        rows_sha256: The checksum of the rows of the data set, if others are among the rows.
    Returns:
        The chosen trial's parameters, and its mean of `spec.metric` over the folds, as scikit-learn scores it.
    Raises:
        SlipwayError: The rows would be too wide; see `slipway.training.width`.
    """
    require_room(spec, len(rows.train))
    study = open_study(spec, data_sha256, folder)
    if FIRST not in study.user_attrs:
        study.set_user_attr(FIRST, [dict(point) for point in first])
        study.set_user_attr(ROWS, rows_sha256 or data_sha256)
    for abandoned in study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
        study.tell(abandoned.number, state=TrialState.FAIL)  # its process was killed: only this release has the model's lock
    already, wanted = _finished(study), trials if spec.search == "tpe" else min(trials, grid_points(spec))
    if already:
        logger.info("%s: the study %s already has %d trials", spec.name, study.study_name, len(already))
    with closing(attempts(spec, rows, study.study_name, already, wanted, jobs, study.user_attrs[FIRST])) as tried:
        for number, trial in enumerate(tried, start=len(already) + 1):
            study.add_trial(trial)
            on_trial(number, wanted, study.best_value)
    return _tuned(spec, study, rows, jobs)


def as_it_is(spec: ModelSpec, rows: Rows, data_sha256: str) -> Tuned:
    """Return what a search would, for a model that is fitted already: no parameter, and its own figure on the training rows."""
    model = build(spec, {})
    own = spec.problem.ask(model, rows.train, rows.train_labels.tolist()).counting(rows.train_weights).figures()
    logger.info("%s: nothing is searched or trained, because it is %r", spec.name, spec.estimator)
    return _tuned_as(spec, study_name(spec, data_sha256), {}, own[spec.metric], 0, rows, 1)


def searched(spec: ModelSpec, *, sample: bool) -> ModelSpec:
    """Return the model as it is tuned: on sample rows with a small search, which is enough to see it work."""
    return replace(spec, trials=min(spec.trials, SAMPLE_TRIALS), repeats=1) if sample else spec


def best_points(spec: ModelSpec, data_sha256: str, rows_sha256: str, count: int, folder: Path) -> list[Point]:
    """Return the points to begin with when only rows of the log have come: the choice of the latest study, and its next best.

    Args:
        rows_sha256: The checksum of the rows of the data set; studies on others do not count.
        count: How many points at most.
    Returns:
        None of them, if the folder has no earlier study that is comparable.
    """
    ours = study_name(spec, data_sha256)
    pattern = f"{spec.name}-{'[0-9a-f]' * 12}-{ours.rpartition('-')[2]}.journal"
    earlier = sorted((path for path in folder.glob(pattern) if path.stem != ours), key=lambda path: path.stat().st_mtime)
    for path in reversed(earlier):
        study = _stored(spec, path.stem, folder)
        done = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        if not done or not study.user_attrs.get(ROWS, path.stem.split("-")[-2]).startswith(rows_sha256[:12]):
            continue
        better = 1 if spec.lower_is_better else -1
        ordered = [choose(spec, study), *sorted(done, key=lambda trial: (better * trial.values[0], trial.number))]
        points: list[Point] = list({json.dumps(trial.params, sort_keys=True): dict(trial.params) for trial in ordered}.values())
        logger.info("%s: the search begins with the best points of %s", spec.name, path.stem)
        return points[:count]
    return []


def chosen_parameters(spec: ModelSpec, name: str, folder: Path) -> Point:
    """Return the parameters that an earlier study chose, by its name; none if the folder has no such study."""
    if not (folder / f"{name}.journal").exists():
        return {}
    return dict(choose(spec, _stored(spec, name, folder)).params)


def study_name(spec: ModelSpec, data_sha256: str) -> str:
    """Name a study after the model, the rows, and everything else that makes trials comparable."""
    settings = "\n".join(
        [
            SCHEME,  # trials of another scheme learn from other trials
            repr(spec.estimator),
            *(repr(step) for _, step in getattr(spec.estimator, "steps", ())),  # scikit-learn shortens the text of a long pipeline
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
    return f"{spec.name}-{data_sha256[:12]}-{hashlib.sha256(settings.encode()).hexdigest()[:8]}"


def choose(spec: ModelSpec, study: optuna.Study) -> FrozenTrial:
    """Return the trial with the best mean score, or the simplest one that is as good; see `Simplest`."""
    best: FrozenTrial = study.best_trial
    if spec.simplest is None:
        return best
    key, sign = spec.simplest.parameter, 1 if spec.simplest.direction == "low" else -1
    better = -1 if spec.lower_is_better else 1
    enough = better * best.values[0] - best.user_attrs[STANDARD_ERROR]
    others = {name: value for name, value in best.params.items() if name != key}
    as_good = [
        trial
        for trial in study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        if better * trial.values[0] >= enough and others.items() <= trial.params.items()
    ]
    return min(as_good, key=lambda trial: sign * trial.params[key])


def open_study(spec: ModelSpec, data_sha256: str, folder: Path) -> optuna.Study:
    """Return the model's study on these rows; create it if there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    return _stored(spec, study_name(spec, data_sha256), folder)


def _stored(spec: ModelSpec, name: str, folder: Path) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(folder / f"{name}.journal")))
    return optuna.create_study(study_name=name, storage=storage, direction=direction(spec), load_if_exists=True)


def _finished(study: optuna.Study) -> list[FrozenTrial]:
    finished: list[FrozenTrial] = study.get_trials(states=FINISHED)
    return finished


def _tuned(spec: ModelSpec, study: optuna.Study, rows: Rows, jobs: int) -> Tuned:
    chosen = choose(spec, study)
    return _tuned_as(spec, study.study_name, chosen.params, chosen.values[0], len(_finished(study)), rows, jobs)


def _tuned_as(spec: ModelSpec, study: str, parameters: dict[str, Any], score: float, trials: int, rows: Rows, jobs: int) -> Tuned:
    return Tuned(
        model=spec.name,
        study=study,
        parameters=parameters,
        score=score,
        metric=spec.metric,
        trials=trials,
        folds=spec.folds,
        repeats=spec.repeats,
        seed=spec.split.seed,
        threshold=choose_threshold(spec, rows, parameters, jobs) if spec.tune_threshold else None,
        reach=spec.problem.reach(
            build(spec, parameters),
            rows.train,
            rows.train_labels,
            folds=special_folds(spec, rows) or spec.folds,
            seed=spec.split.seed,
            jobs=jobs,
            weights=rows.train_weights,
        ),
    )


def choose_threshold(spec: ModelSpec, rows: Rows, parameters: Mapping[str, Any], jobs: int = 1) -> float:
    """Return the probability of the positive class from which a row is called positive, on the folds of the search.

    Args:
        jobs: Folds fitted at the same time; the threshold is the same with any number.
    """
    problem, pipeline = spec.problem, build(spec, parameters)
    found = folds(spec, rows, spec.folds, spec.repeats)
    return problem.choose_threshold(
        spec.metric, pipeline, rows.train, rows.train_labels, folds=found, jobs=jobs, weights=rows.train_weights
    )
