"""The decision threshold of a binary model, chosen by cross-validation on the training rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from joblib import parallel_config
from sklearn.base import clone
from sklearn.metrics import f1_score, make_scorer, precision_score, recall_score
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV

from slipway.problems.classification.evaluation import Evaluation
from slipway.problems.classification.target import Target
from slipway.problems.weights import fitted

THRESHOLDS = 200
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
    tuner = TunedThresholdClassifierCV(
        pipeline, scoring=scoring, cv=folds, response_method="predict_proba", thresholds=THRESHOLDS, n_jobs=jobs
    )
    with parallel_config(backend="threading"):  # trees are grown outside Python's lock, and processes would start for seconds
        return float(tuner.fit(features, labels).best_threshold_)


def choose_by_weights(target: Target, metric: str, pipeline: Any, features: Any, labels: Any, weights: Any, *, folds: Any) -> float:
    """Return the same for rows with weights, which scikit-learn's class does not pass on; each fold is fitted and scored by them.

    Args:
        weights: (n,) of the rows.
    """
    truth, answered = np.asarray(labels), []
    for learnt, scored in folds:
        model = fitted(clone(pipeline), features.iloc[learnt], truth[learnt], weights[learnt])
        answered.append((scored, model.predict_proba(features.iloc[scored])[:, target.index(target.positive)]))
    every = np.concatenate([positive for _, positive in answered])
    tried = np.linspace(every.min(), every.max(), THRESHOLDS)
    said_no, said_yes = sorted(target.labels, key=lambda label: label == target.positive)
    scores = np.zeros(THRESHOLDS)
    for scored, positive in answered:
        for place, threshold in enumerate(tried):
            said = np.where(positive >= threshold, said_yes, said_no).tolist()
            found = Evaluation(target, truth[scored].tolist(), said, np.empty((0, 0)), weights[scored])
            scores[place] += found.figure(metric)
    return float(tried[scores.argmax()])


def decide_from(target: Target, pipeline: Any, threshold: float) -> Any:
    """Return the unfitted pipeline as one that answers the positive class from a threshold on."""
    return FixedThresholdClassifier(pipeline, threshold=threshold, pos_label=target.positive, response_method="predict_proba")
