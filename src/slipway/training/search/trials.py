"""Scoring one set of hyperparameters over the folds of the training rows, and pruning it early if it is poor."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.trial import Trial
from scipy.sparse import issparse

from slipway.problems.training import Classification
from slipway.problems.weights import fitted
from slipway.spec import ModelSpec
from slipway.training.pipelines import MODEL_STEP, PREPARATION_STEP, build, preparation_choices
from slipway.training.search.forests import FORESTS, Fold, Forests
from slipway.training.splitting import Rows, folds

STANDARD_ERROR = "standard_error"
ROOM = 1_000_000_000  # bytes of prepared folds that one process keeps
SIZES = 32  # with more numbers of trees in the search space, votes are kept only for the numbers that trials used


@dataclass
class Objective:
    """What a study maximises, or minimises if it is an error: the mean of the spec's metric over the folds.

    Preparation depends on few hyperparameters or none, so prepared folds are kept for later trials, up to `ROOM` bytes. The votes of
    forests on the held-out rows are kept too.
    """

    spec: ModelSpec
    rows: Rows
    _prepared: dict[Hashable, Fold] = field(default_factory=dict, repr=False)

    def __call__(self, trial: Trial) -> float:
        """Score one trial, and store the standard error over the folds in the trial.

        Raises:
            optuna.TrialPruned: The folds so far show that it will not be the best.
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
        """Fit on the other folds, and return the metric on this one; labels or probabilities are computed only if the metric needs them."""
        estimator = build(self.spec, parameters).named_steps[MODEL_STEP]
        place = (fold, tuple(sorted(preparation_choices(parameters).items())))
        rows = self._fold(parameters, place)
        problem, metric = self.spec.problem, self.spec.metric
        if isinstance(problem, Classification) and type(estimator) in FORESTS:
            probabilities = self._forests.probabilities(estimator, rows, place)
            answers = problem.most_probable(np.unique(rows.train_labels), probabilities, rows.truth)
            return answers.counting(rows.held_out_weights).figure(metric)
        estimator = fitted(problem.wrapped(estimator), rows.train, rows.train_labels, rows.train_weights)
        (evaluation,) = problem.ask_for(metric, estimator, rows.held_out, [rows.truth])
        return evaluation.counting(rows.held_out_weights).figure(metric)

    def _fold(self, parameters: Mapping[str, Any], place: tuple[int, Hashable]) -> Fold:
        if place not in self._prepared:
            fit, held_out = self._indices[place[0]]
            preparation = build(self.spec, parameters).named_steps[PREPARATION_STEP]
            train, labels = self.rows.train.iloc[fit], self.rows.train_labels.to_numpy()
            prepared = preparation.fit_transform(train, labels[fit])
            other = preparation.transform(self.rows.train.iloc[held_out])
            weights = self.rows.train_weights
            weighted = () if weights is None else (weights[fit], weights[held_out])
            found = Fold(prepared, labels[fit], other, labels[held_out], *weighted)
            if sum(map(_bytes_of, self._prepared.values()), start=_bytes_of(found)) > ROOM:
                return found
            self._prepared[place] = found
        return self._prepared[place]

    @cached_property
    def _indices(self) -> list[Any]:
        return folds(self.spec, self.rows, self.spec.folds, self.spec.repeats)

    @cached_property
    def _forests(self) -> Forests:
        kind, sizes = self.spec.search_space.get("n_estimators"), []
        if isinstance(kind, CategoricalDistribution):
            sizes = list(kind.choices)
        elif isinstance(kind, IntDistribution) and not kind.log:
            sizes = list(range(kind.low, kind.high + 1, kind.step))
        return Forests(sizes if len(sizes) <= SIZES else ())


def _bytes_of(fold: Fold) -> int:
    """Return what the rows of a fold take in memory, about."""
    parts = [matrix.data if issparse(matrix) else matrix for matrix in (fold.train, fold.held_out)]
    return sum(int(part.nbytes) for part in parts)


def _suggest(trial: Trial, name: str, kind: Any) -> Any:
    if isinstance(kind, CategoricalDistribution):
        return trial.suggest_categorical(name, kind.choices)
    if isinstance(kind, IntDistribution):
        return trial.suggest_int(name, kind.low, kind.high, step=kind.step, log=kind.log)
    return trial.suggest_float(name, kind.low, kind.high, step=kind.step, log=kind.log)
