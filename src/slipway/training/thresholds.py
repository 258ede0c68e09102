"""The decision threshold of a binary model, chosen by cross-validation on the training rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joblib import parallel_config
from sklearn.metrics import f1_score, make_scorer, precision_score, recall_score
from sklearn.model_selection import RepeatedStratifiedKFold, TunedThresholdClassifierCV

from slipway.spec import ModelSpec
from slipway.training.pipelines import build
from slipway.training.splitting import Rows

_OF_ONE_CLASS = {"f1": f1_score, "precision": precision_score, "recall": recall_score}


def choose_threshold(spec: ModelSpec, rows: Rows, parameters: Mapping[str, Any], jobs: int = 1) -> float:
    """Return the probability of the positive class from which a row is called positive.

    It is the threshold with the best mean of the spec's metric over the folds that the hyperparameters were chosen on, as
    scikit-learn's TunedThresholdClassifierCV finds it.

    Args:
        jobs: Folds fitted at the same time; the threshold is the same with any number.
    """
    folds = RepeatedStratifiedKFold(n_splits=spec.folds, n_repeats=spec.repeats, random_state=spec.split.seed)
    of_one_class = _OF_ONE_CLASS.get(spec.metric)
    scoring = make_scorer(of_one_class, pos_label=spec.columns.target.positive) if of_one_class else spec.metric
    tuner = TunedThresholdClassifierCV(
        build(spec, parameters), scoring=scoring, cv=folds, response_method="predict_proba", thresholds=200, n_jobs=jobs
    )
    with parallel_config(backend="threading"):  # trees are grown outside Python's lock, and processes would start for seconds
        return float(tuner.fit(rows.train, rows.train_labels).best_threshold_)
