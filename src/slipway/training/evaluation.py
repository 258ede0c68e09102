"""Figures of a model on rows it has not learnt from, named as scikit-learn's scorers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from slipway.records import Metrics
from slipway.spec import ClassLabel, Target

Probabilities = npt.NDArray[np.float64]


def evaluate(target: Target, truth: Sequence[ClassLabel], answers: Sequence[ClassLabel], probabilities: Probabilities) -> Metrics:
    """Return every figure that fits the target.

    Args:
        truth: n true labels.
        answers: n predicted labels.
        probabilities: (n, classes), classes in the target's order.
    """
    figures = {
        "accuracy": metrics.accuracy_score(truth, answers),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, answers),
        "f1_macro": metrics.f1_score(truth, answers, average="macro"),
        "neg_log_loss": -metrics.log_loss(truth, probabilities, labels=target.labels),
    }
    figures |= _binary(target, truth, answers, probabilities) if target.binary else _several(target, truth, probabilities)
    return {name: float(value) for name, value in figures.items()}


def _binary(target: Target, truth: Sequence[ClassLabel], answers: Sequence[ClassLabel], probabilities: Probabilities) -> Metrics:
    positive = target.positive
    column = probabilities[:, target.index(positive)]
    hits = np.array([label == positive for label in truth])
    return {
        "precision": metrics.precision_score(truth, answers, pos_label=positive, zero_division=0),
        "recall": metrics.recall_score(truth, answers, pos_label=positive),
        "f1": metrics.f1_score(truth, answers, pos_label=positive),
        "roc_auc": metrics.roc_auc_score(hits, column),
        "average_precision": metrics.average_precision_score(hits, column),
    }


def _several(target: Target, truth: Sequence[ClassLabel], probabilities: Probabilities) -> Metrics:
    return {"roc_auc_ovr": metrics.roc_auc_score(truth, probabilities, labels=target.labels, multi_class="ovr")}


def confusion(target: Target, truth: Sequence[ClassLabel], answers: Sequence[ClassLabel]) -> list[list[int]]:
    """Count rows: true classes down, predicted classes across, in the target's order."""
    counted: list[list[int]] = metrics.confusion_matrix(truth, answers, labels=target.labels).tolist()
    return counted
