"""Measuring a tuned model on the test rows, once, with simpler models on the same rows to compare with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sklearn.base import clone

from slipway.problems.estimators import takes_missing_cells
from slipway.problems.training import Evaluation
from slipway.problems.weights import fitted
from slipway.records import Metrics, Tuned
from slipway.spec import PREPARATION, ModelSpec
from slipway.training.pipelines import build
from slipway.training.splitting import Rows

REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Measured:
    """A fitted pipeline, its answers to the test rows, and their figures.

    `baselines` are the same figures of simpler models on the same rows, by name; see `score_baselines`.
    """

    pipeline: Any
    evaluation: Evaluation
    metrics: Metrics
    baselines: dict[str, Metrics] = field(default_factory=dict)


def measure(spec: ModelSpec, rows: Rows, tuned: Tuned) -> Measured:
    """Refit on all training rows with the tuned parameters, and score the test rows."""
    problem = spec.problem
    pipeline = fitted(problem.wrapped(build(spec, tuned.parameters), tuned.threshold), rows.train, rows.train_labels, rows.train_weights)
    output = problem.output(tuned.threshold, tuned.reach)
    evaluation = problem.evaluation(rows.test_labels.tolist(), *output.of_model(pipeline, rows.test)).counting(rows.test_weights)
    return Measured(pipeline, evaluation, evaluation.figures(), score_baselines(spec, rows, tuned))


def score_baselines(spec: ModelSpec, rows: Rows, tuned: Tuned) -> dict[str, Metrics]:
    """Fit each baseline on the training rows, and return its figures on the test rows. They show whether a simple rule is as good.

    Returns:
        The figures by the baseline's name: those of the kind of problem, the first of which uses no column, and "reference", the spec's
        own baseline, if it has one.
    """
    chosen = spec.problem.baselines()
    if spec.baseline is not None:
        chosen[REFERENCE] = clone(spec.baseline)
    return {name: _score(spec, rows, tuned, estimator) for name, estimator in chosen.items()}


def _native(spec: ModelSpec, preparation: dict[str, Any]) -> bool:
    return bool(preparation.get(f"{PREPARATION}missing", spec.preparation.missing) == "native")


def _score(spec: ModelSpec, rows: Rows, tuned: Tuned, estimator: Any) -> Metrics:
    preparation = {key: value for key, value in tuned.parameters.items() if key.startswith(PREPARATION)}
    if not takes_missing_cells(estimator):  # what the spec's own estimator knows by itself is replaced for a simpler one
        preparation |= {f"{PREPARATION}missing": "median"} if _native(spec, preparation) else {}
    pipeline = fitted(spec.problem.wrapped(build(spec, preparation, estimator)), rows.train, rows.train_labels, rows.train_weights)
    return spec.problem.ask(pipeline, rows.test, rows.test_labels.tolist()).counting(rows.test_weights).figures()
