"""Simpler models on the same rows, so that nobody admires a forest that a rule beats."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone

from slipway.records import Metrics, Tuned
from slipway.spec import PREPARATION, ModelSpec
from slipway.training.pipelines import MODEL_STEP, build
from slipway.training.splitting import Rows

REFERENCE = "reference"


def score_baselines(spec: ModelSpec, rows: Rows, tuned: Tuned) -> dict[str, Metrics]:
    """Fit each baseline on the training rows, and return its figures on the test rows.

    Returns:
        The figures by the baseline's name: the simplest of the kind of problem, which knows no column, and "reference", the spec's own
        baseline, if it has one.
    """
    name, _ = spec.problem.simplest_baseline
    chosen = {name: spec.problem.baseline()}
    if spec.baseline is not None:
        chosen[REFERENCE] = clone(spec.baseline)
    return {name: _score(spec, rows, tuned, estimator) for name, estimator in chosen.items()}


def _score(spec: ModelSpec, rows: Rows, tuned: Tuned, estimator: Any) -> Metrics:
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=spec.split.seed)
    preparation = {key: value for key, value in tuned.parameters.items() if key.startswith(PREPARATION)}
    pipeline = build(spec, preparation).set_params(**{MODEL_STEP: estimator}).fit(rows.train, rows.train_labels)
    return spec.problem.ask(pipeline, rows.test, rows.test_labels.tolist()).figures()
