"""Choosing hyperparameters by cross-validation on the training rows. The test rows are never seen here."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score

from slipway.records import Tuned
from slipway.spec import ModelSpec, describe
from slipway.training.pipelines import build
from slipway.training.splitting import Rows

logger = logging.getLogger(__name__)

STANDARD_ERROR = "standard_error"
OnTrial = Callable[[int, int, float], None]


def tune(spec: ModelSpec, rows: Rows, data_sha256: str, trials: int, folder: Path, on_trial: OnTrial = lambda *_: None) -> Tuned:
    """Run the study until it holds `trials` finished trials, and return the one to use; see `choose`.

    The study is kept in `folder` after every trial. Run again after a crash, it goes on where it was and, because each
    trial's sampler is seeded by the spec's seed and the number of trials before it, ends where it would have ended.

    Args:
        on_trial: Called after every trial with its number from 1, the number wanted, and the best score so far.
    Returns:
        The chosen trial's parameters, and its mean over the folds of `spec.metric` as scikit-learn scores it.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = _open(spec, data_sha256, folder)
    finished = _finished(study)
    if finished:
        logger.info("%s: the study %s already has %d trials", spec.name, study.study_name, finished)
    while finished < trials:
        study.sampler = TPESampler(seed=spec.split.seed + finished, multivariate=True, n_startup_trials=10)
        trial = study.ask(dict(spec.search_space))
        score, error = _score(spec, rows, trial.params)
        trial.set_user_attr(STANDARD_ERROR, error)
        study.tell(trial, score)
        finished += 1
        on_trial(finished, trials, study.best_value)
    return _tuned(spec, study)


def study_name(spec: ModelSpec, data_sha256: str) -> str:
    """Name a study after the model, the rows, and everything else that makes trials comparable."""
    question = "\n".join(
        [repr(spec.estimator), repr(spec.preparation), spec.metric, str(spec.folds), str(spec.repeats), repr(spec.split)]
        + [f"{key}: {describe(value)}" for key, value in sorted(spec.search_space.items())]
    )
    return f"{spec.name}-{data_sha256[:12]}-{hashlib.sha256(question.encode()).hexdigest()[:8]}"


def _open(spec: ModelSpec, data_sha256: str, folder: Path) -> optuna.Study:
    folder.mkdir(parents=True, exist_ok=True)
    name = study_name(spec, data_sha256)
    storage = JournalStorage(JournalFileBackend(str(folder / f"{name}.journal")))
    study = optuna.create_study(study_name=name, storage=storage, direction="maximize", load_if_exists=True)
    for abandoned in study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
        study.tell(abandoned.number, state=TrialState.FAIL)  # its process was killed; a release holds the model's lock
    return study


def _finished(study: optuna.Study) -> int:
    return len(study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]))


def _score(spec: ModelSpec, rows: Rows, parameters: dict[str, object]) -> tuple[float, float]:
    """Return the mean score over the folds and its standard error."""
    folds = RepeatedStratifiedKFold(n_splits=spec.folds, n_repeats=spec.repeats, random_state=spec.split.seed)
    pipeline = build(spec, parameters)
    scores = cross_val_score(pipeline, rows.train, rows.train_labels, cv=folds, scoring=spec.metric, error_score="raise")
    return float(np.mean(scores)), float(np.std(scores, ddof=1) / np.sqrt(len(scores)))


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


def _tuned(spec: ModelSpec, study: optuna.Study) -> Tuned:
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
    )
