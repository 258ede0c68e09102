"""Simpler models on the same rows, so that nobody admires a forest that a rule beats."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier

from slipway.records import Metrics, Tuned
from slipway.spec import PREPARATION, ModelSpec
from slipway.training.evaluation import evaluate
from slipway.training.pipelines import MODEL_STEP, build
from slipway.training.splitting import Rows

MOST_FREQUENT, REFERENCE = "most_frequent", "reference"


def score_baselines(spec: ModelSpec, rows: Rows, tuned: Tuned) -> dict[str, Metrics]:
    """Fit each baseline on the training rows, and return its figures on the test rows.

    Returns:
        "most_frequent" always says the commonest class, with the shares of the training rows as probabilities; "reference" is
        the spec's own baseline, if it has one.
    """
    # "prior" answers as "most_frequent" does, and its probabilities give a log loss that can be compared
    chosen = {MOST_FREQUENT: DummyClassifier(strategy="prior")}
    if spec.baseline is not None:
        chosen[REFERENCE] = clone(spec.baseline)
    return {name: _score(spec, rows, tuned, estimator) for name, estimator in chosen.items()}


def _score(spec: ModelSpec, rows: Rows, tuned: Tuned, estimator: Any) -> Metrics:
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=spec.split.seed)
    preparation = {key: value for key, value in tuned.parameters.items() if key.startswith(PREPARATION)}
    pipeline = build(spec, preparation).set_params(**{MODEL_STEP: estimator}).fit(rows.train, rows.train_labels)
    probabilities = np.asarray(pipeline.predict_proba(rows.test), dtype=np.float64)
    return evaluate(spec.columns.target, rows.test_labels.tolist(), pipeline.predict(rows.test).tolist(), probabilities)
