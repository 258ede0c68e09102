"""Scoring one set of hyperparameters over the folds of the training rows, and giving up early on a poor one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.trial import Trial
from sklearn.model_selection import RepeatedStratifiedKFold

from slipway.spec import ModelSpec
from slipway.training.evaluation import Answers, figure
from slipway.training.pipelines import MODEL_STEP, PREPARATION_STEP, build, preparation_choices
from slipway.training.splitting import Rows

STANDARD_ERROR = "standard_error"


@dataclass
class Objective:
    """What a study maximises: the mean of the spec's metric over the folds.

    Preparation depends on few hyperparameters, or none, so prepared folds are kept for the trials that follow.
    """

    spec: ModelSpec
    rows: Rows
    _prepared: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __call__(self, trial: Trial) -> float:
        """Score one trial; its standard error over the folds is kept beside the score.

        Raises:
            optuna.TrialPruned: The folds so far already say that it will not be the best.
        """
        parameters = {name: _suggest(trial, name, kind) for name, kind in self.spec.search_space.items()}
        scores: list[float] = []
        for fold in range(self.spec.folds * self.spec.repeats):
            scores.append(self.score(parameters, fold))
            trial.report(scores[-1], step=fold)
            if trial.should_prune():
                raise optuna.TrialPruned
        trial.set_user_attr(STANDARD_ERROR, float(np.std(scores, ddof=1) / np.sqrt(len(scores))))
        return float(np.mean(scores))

    def score(self, parameters: Mapping[str, Any], fold: int) -> float:
        """Fit on the rest of the training rows, and return the metric on one fold."""
        target = self.spec.columns.target
        estimator = build(self.spec, parameters).named_steps[MODEL_STEP]
        train, train_labels, held_out, truth = self._fold(parameters, fold)
        estimator.fit(train, train_labels)
        probabilities = np.asarray(estimator.predict_proba(held_out), dtype=np.float64)
        return figure(self.spec.metric, Answers(target, truth, estimator.predict(held_out), probabilities))

    def _fold(self, parameters: Mapping[str, Any], fold: int) -> Any:
        key = (fold, tuple(sorted(preparation_choices(parameters).items())))
        if key not in self._prepared:
            fit, held_out = self._indices()[fold]
            preparation = build(self.spec, parameters).named_steps[PREPARATION_STEP]
            train, labels = self.rows.train.iloc[fit], self.rows.train_labels
            prepared = preparation.fit_transform(train, labels.iloc[fit])
            other = preparation.transform(self.rows.train.iloc[held_out])
            self._prepared[key] = (prepared, labels.iloc[fit].to_numpy(), other, labels.iloc[held_out].to_numpy())
        return self._prepared[key]

    def _indices(self) -> Any:
        if "folds" not in self._prepared:
            folds = RepeatedStratifiedKFold(n_splits=self.spec.folds, n_repeats=self.spec.repeats, random_state=self.spec.split.seed)
            self._prepared["folds"] = list(folds.split(self.rows.train, self.rows.train_labels))
        return self._prepared["folds"]


def _suggest(trial: Trial, name: str, kind: Any) -> Any:
    if isinstance(kind, CategoricalDistribution):
        return trial.suggest_categorical(name, kind.choices)
    if isinstance(kind, IntDistribution):
        return trial.suggest_int(name, kind.low, kind.high, step=kind.step, log=kind.log)
    return trial.suggest_float(name, kind.low, kind.high, step=kind.step, log=kind.log)
