"""The decision threshold of a binary model, chosen by cross-validation on the training rows."""

from __future__ import annotations

from typing import Any

from joblib import parallel_config
from sklearn.metrics import f1_score, make_scorer, precision_score, recall_score
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV

from slipway.problems.classification.target import Target

_OF_ONE_CLASS = {"f1": f1_score, "precision": precision_score, "recall": recall_score}


def choose(target: Target, metric: str, pipeline: Any, features: Any, labels: Any, *, folds: Any, jobs: int = 1) -> float:
    """Return the probability of the positive class from which a row is called positive.

    It is the threshold with the best mean of the metric over the folds, as scikit-learn's TunedThresholdClassifierCV finds it.

    Args:
        pipeline: Unfitted.
        folds: The folds that the hyperparameters were chosen on.
        jobs: Folds fitted at the same time; the threshold is the same with any number.
    """
    of_one_class = _OF_ONE_CLASS.get(metric)
    scoring = make_scorer(of_one_class, pos_label=target.positive) if of_one_class else metric
    tuner = TunedThresholdClassifierCV(pipeline, scoring=scoring, cv=folds, response_method="predict_proba", thresholds=200, n_jobs=jobs)
    with parallel_config(backend="threading"):  # trees are grown outside Python's lock, and processes would start for seconds
        return float(tuner.fit(features, labels).best_threshold_)


def decide_from(target: Target, pipeline: Any, threshold: float) -> Any:
    """Return the unfitted pipeline as one that answers the positive class from a threshold on."""
    return FixedThresholdClassifier(pipeline, threshold=threshold, pos_label=target.positive, response_method="predict_proba")
