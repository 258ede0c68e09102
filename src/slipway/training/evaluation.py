"""Figures of a model on rows it has not learnt from, named as scikit-learn's scorers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from slipway.records import Metrics
from slipway.spec import BINARY_METRICS, MULTICLASS_METRICS, ClassLabel, Target

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model said about n rows: true labels, predicted labels, and (n, classes) probabilities in the target's order."""

    target: Target
    truth: Sequence[ClassLabel]
    labels: Sequence[ClassLabel]
    probabilities: Probabilities

    @property
    def hits(self) -> npt.NDArray[np.bool_]:
        """Whether each row truly is of the positive class."""
        return np.array([label == self.target.positive for label in self.truth])

    @property
    def positive(self) -> Probabilities:
        """The probability of the positive class, (n,)."""
        return self.probabilities[:, self.target.index(self.target.positive)]


_FIGURES: dict[str, Callable[[Answers], float]] = {
    "accuracy": lambda a: metrics.accuracy_score(a.truth, a.labels),
    "balanced_accuracy": lambda a: metrics.balanced_accuracy_score(a.truth, a.labels),
    "f1_macro": lambda a: metrics.f1_score(a.truth, a.labels, average="macro"),
    "neg_log_loss": lambda a: -metrics.log_loss(a.truth, a.probabilities, labels=a.target.labels),
    "precision": lambda a: metrics.precision_score(a.truth, a.labels, pos_label=a.target.positive, zero_division=0),
    "recall": lambda a: metrics.recall_score(a.truth, a.labels, pos_label=a.target.positive),
    "f1": lambda a: metrics.f1_score(a.truth, a.labels, pos_label=a.target.positive),
    "roc_auc": lambda a: metrics.roc_auc_score(a.hits, a.positive),
    "average_precision": lambda a: metrics.average_precision_score(a.hits, a.positive),
    "roc_auc_ovr": lambda a: metrics.roc_auc_score(a.truth, a.probabilities, labels=a.target.labels, multi_class="ovr"),
}


def figure(name: str, answers: Answers) -> float:
    """Return one figure."""
    return float(_FIGURES[name](answers))


def evaluate(target: Target, truth: Sequence[ClassLabel], labels: Sequence[ClassLabel], probabilities: Probabilities) -> Metrics:
    """Return every figure that fits the target.

    Args:
        truth: n true labels.
        labels: n predicted labels.
        probabilities: (n, classes), classes in the target's order.
    """
    answers = Answers(target, truth, labels, probabilities)
    return {name: figure(name, answers) for name in (BINARY_METRICS if target.binary else MULTICLASS_METRICS)}


def confusion(target: Target, truth: Sequence[ClassLabel], labels: Sequence[ClassLabel]) -> list[list[int]]:
    """Count rows: true classes down, predicted classes across, in the target's order."""
    counted: list[list[int]] = metrics.confusion_matrix(truth, labels, labels=target.labels).tolist()
    return counted
