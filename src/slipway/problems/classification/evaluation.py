"""A model's answers to rows whose true labels are known, and their figures, named as scikit-learn's scorers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from slipway.problems.classification import ClassLabel
from slipway.problems.classification.delong import areas
from slipway.problems.classification.proportions import Discordant
from slipway.problems.classification.target import THRESHOLD_METRICS as OF_LABELS
from slipway.problems.classification.target import Target
from slipway.problems.classification.weighted import WeightedFigures
from slipway.problems.estimates import ONCE, Estimate, normal
from slipway.problems.proportions import wilson
from slipway.records import Effect, Metrics

Flags = npt.NDArray[np.bool_]
Probabilities = npt.NDArray[np.float64]
Interval = tuple[float, float]
SMALLEST = 1e-6  # probability, so that one row does not decide alone


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a model answered to n rows: true labels, predicted labels, and (n, classes) probabilities in the target's order.

    Labels or probabilities may be left empty where the figures that are asked for do not need them. `weights` are (n,), for how much
    each row counts in the figures; None if all count the same.
    """

    target: Target
    truth: Sequence[ClassLabel]
    labels: Sequence[ClassLabel]
    probabilities: Probabilities
    weights: Probabilities | None = None

    exact_method: ClassVar[str] = "Accuracy: Wilson's score interval (Wilson, JASA 22, 1927)."

    @property
    def rows(self) -> int:
        return len(self.truth)

    @property
    def numbers(self) -> Probabilities:
        """The numbers that each answer has beside its label: the probabilities."""
        return self.probabilities

    @property
    def is_positive(self) -> Flags:
        """Whether each row truly is of the positive class, (n,)."""
        return np.array([label == self.target.positive for label in self.truth])

    @property
    def positive(self) -> Probabilities:
        """The probability of the positive class, (n,)."""
        return self.probabilities[:, self.target.index(self.target.positive)]

    @property
    def right(self) -> Flags:
        """Whether each predicted label is the true one, (n,)."""
        return np.array([true == label for true, label in zip(self.truth, self.labels, strict=True)], dtype=np.bool_)

    @property
    def losses(self) -> Probabilities:
        """The loss of each row: minus the logarithm of the probability of its true class, (n,)."""
        truth = [self.target.index(label) for label in self.truth]
        found: Probabilities = -np.log(np.clip(self.probabilities[np.arange(self.rows), truth], SMALLEST, 1.0))
        return found

    def only(self, mask: Flags) -> Evaluation:
        """Return the evaluation of the rows of an (n,) mask."""
        places = np.flatnonzero(mask).tolist()
        truth, labels = ([cells[at] for at in places] for cells in (self.truth, self.labels))
        weights = None if self.weights is None else self.weights[places]
        return Evaluation(self.target, truth, labels, self.probabilities[places], weights)

    def counting(self, weights: Probabilities | None) -> Evaluation:
        """Return the evaluation with other weights of its rows; with None, each counts the same."""
        return replace(self, weights=weights)

    def figure(self, name: str) -> float:
        """Return one figure."""
        if self.weights is None:
            return float(_FIGURES[name](self))
        value = self.weighted().figure(name, np.ones(self.rows))
        return 0.0 if math.isnan(value) and name in OF_LABELS else value

    def figures(self) -> Metrics:
        """Return every figure that fits the target."""
        return {name: self.figure(name) for name in self.target.metrics}

    def weighted(self) -> WeightedFigures:
        """Return the same figures for rows that count several times or not at all, as a bootstrap needs them."""
        return WeightedFigures(self.target, self.truth, self.labels, self.probabilities, self.weights)

    def beside(self, challenger: Any) -> Pair:
        """Return this champion and a challenger that answered the same rows."""
        return Pair(self, challenger)

    def exact_intervals(self, level: float) -> dict[str, Interval]:
        """Return the confidence intervals that a formula gives, by figure; the others are bootstrapped, and all with weights."""
        return {} if self.weights is not None else {"accuracy": wilson(int(self.right.sum()), self.rows, level)}

    def mean_error(self, level: float) -> None:
        """Return None: a wrong label is neither too high nor too low."""

    def columns(self) -> dict[str, Any]:
        """Return what is written of each row: the truth, the label, and the probability of each class."""
        probabilities = {f"p({label})": self.probabilities[:, at] for at, label in enumerate(self.target.labels)}
        weights = {} if self.weights is None else {"weight": self.weights}
        return {"truth": self.truth, "label": self.labels} | probabilities | weights

    def confusion(self) -> list[list[int]]:
        """Count rows, without their weights: true classes down, predicted classes across, in the target's order."""
        counted: list[list[int]] = metrics.confusion_matrix(self.truth, self.labels, labels=self.target.labels).tolist()
        return counted


@dataclass(frozen=True, slots=True)
class Pair:
    """The answers of champion and challenger to the same rows, in the same order."""

    champion: Evaluation
    challenger: Evaluation

    @property
    def disagreeing(self) -> int:
        """How many rows the two label differently."""
        return sum(ours != theirs for ours, theirs in zip(self.champion.labels, self.challenger.labels, strict=True))

    @property
    def discordant(self) -> Discordant:
        theirs, ours = self.champion.right, self.challenger.right
        return Discordant(self.champion.rows, int(np.sum(ours & ~theirs)), int(np.sum(theirs & ~ours)))

    @property
    def better_alone(self) -> tuple[int, int]:
        """How many rows only the champion labels correctly, and how many only the challenger."""
        discordant = self.discordant
        return discordant.champion, discordant.challenger

    def effects(self, reach: float) -> dict[str, Estimate | None]:
        """Return the effects that a formula gives, by figure; None for one that the rows do not define.

        Args:
            reach: How many standard errors the interval that decides the verdict reaches to either side.
        """
        return {"accuracy": self.accuracy(reach), "roc_auc": self.area(reach)}

    def accuracy(self, reach: float) -> Estimate:
        """Return the effect on the accuracy.

        Args:
            reach: How many standard errors the interval that decides the verdict reaches to either side.
        """
        discordant, right = self.discordant, self.champion.figure("accuracy")
        low, high = discordant.interval(ONCE)
        effect = Effect(
            figure="accuracy",
            champion=right,
            challenger=right + discordant.difference,
            difference=discordant.difference,
            low=low,
            high=high,
            p_value=discordant.p_value,
            method="Tango's score interval, exact McNemar test",
        )
        return Estimate(effect, discordant.interval(reach), discordant.deviations)

    def area(self, reach: float) -> Estimate | None:
        """Return the effect on the area under the curve; None for several classes, and where the rows do not define it."""
        if not self.champion.target.binary:
            return None
        champion, challenger = self.champion, self.challenger
        found = areas(champion.is_positive, champion.positive, challenger.positive)
        if found is None:
            return None
        return normal("roc_auc", found.champion, found.challenger, error=found.error, rows=champion.rows, reach=reach, method="DeLong")


_FIGURES: dict[str, Callable[[Evaluation], float]] = {
    "accuracy": lambda e: metrics.accuracy_score(e.truth, e.labels),
    "balanced_accuracy": lambda e: metrics.balanced_accuracy_score(e.truth, e.labels),
    "f1_macro": lambda e: metrics.f1_score(e.truth, e.labels, average="macro"),
    "neg_log_loss": lambda e: -metrics.log_loss(e.truth, e.probabilities, labels=e.target.labels),
    "precision": lambda e: metrics.precision_score(e.truth, e.labels, pos_label=e.target.positive, zero_division=0),
    "recall": lambda e: metrics.recall_score(e.truth, e.labels, pos_label=e.target.positive),
    "f1": lambda e: metrics.f1_score(e.truth, e.labels, pos_label=e.target.positive),
    "roc_auc": lambda e: metrics.roc_auc_score(e.is_positive, e.positive),
    "average_precision": lambda e: metrics.average_precision_score(e.is_positive, e.positive),
    "roc_auc_ovr": lambda e: metrics.roc_auc_score(e.truth, e.probabilities, labels=e.target.labels, multi_class="ovr"),
}
