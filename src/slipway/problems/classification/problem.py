"""What the code that trains, judges and watches asks of a classification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import RepeatedStratifiedKFold

from slipway.problems.classification import ClassLabel, card, cells, plots, simulation, thresholds
from slipway.problems.classification.evaluation import Evaluation, Flags, Probabilities
from slipway.problems.classification.output import Output
from slipway.problems.classification.target import OF_PROBABILITIES, Target

if TYPE_CHECKING:
    import pandas as pd

NOTHING = np.empty((0, 0))
NO_SLICES: Mapping[str, Flags] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Classification:
    """Everything about one model that depends on its answers being classes."""

    target: Target

    # pictures that the run page of a release shows: title -> file of `draw`
    pictures: ClassVar[dict[str, str]] = {"Confusion matrix": "confusion_matrix.png", "Calibration": "calibration.png"}
    # what the card says of each baseline
    baseline_notes: ClassVar[dict[str, str]] = {"most_frequent": "always answers the most frequent class of the training rows."}

    def output(self, threshold: float | None, reach: float | None = None) -> Output:
        """Return what a version with this threshold answers; a class has no interval, so nothing reaches anywhere."""
        classes = self.target.classes
        return Output(tuple(classes), tuple(classes.values()), self.target.positive, threshold)

    # --- learning

    def folds(self, splits: int, repeats: int, seed: int) -> RepeatedStratifiedKFold:
        """Return the folds of cross-validation; each class keeps its share in every fold."""
        return RepeatedStratifiedKFold(n_splits=splits, n_repeats=repeats, random_state=seed)

    def baselines(self) -> dict[str, Any]:
        """Return the unfitted baselines: one that knows no column."""
        # "prior" answers as "most_frequent" does, and its probabilities give a log loss that can be compared
        return {"most_frequent": DummyClassifier(strategy="prior")}

    def choose_threshold(
        self, metric: str, pipeline: Any, features: Any, labels: Any, *, folds: Any, jobs: int = 1, weights: Any = None
    ) -> float:
        """See `thresholds.choose` and `thresholds.choose_by_weights`."""
        if weights is not None:
            return thresholds.choose_by_weights(self.target, metric, pipeline, features, labels, weights, folds=folds)
        return thresholds.choose(self.target, metric, pipeline, features, labels, folds=folds, jobs=jobs)

    def reach(
        self, pipeline: Any, features: Any, labels: Any, *, folds: Any, seed: int, jobs: int = 1, weights: Any = None
    ) -> float | None:
        """Return None: a class has no interval."""
        return None

    def wrapped(self, pipeline: Any, threshold: float | None = None) -> Any:
        """Return the unfitted pipeline with the threshold it decides by; None leaves it as it is."""
        return pipeline if threshold is None else thresholds.decide_from(self.target, pipeline, threshold)

    # --- evaluating

    def evaluation(self, truth: Sequence[Any], labels: Sequence[Any], probabilities: Probabilities) -> Evaluation:
        """Return answers to n rows with their outcomes; `probabilities` are (n, classes) in the target's order."""
        return Evaluation(self.target, truth, labels, probabilities)

    def ask(self, model: Any, features: Any, truth: Sequence[Any]) -> Evaluation:
        """Let a fitted model answer n rows."""
        labels = np.ravel(model.predict(features)).tolist()  # CatBoost answers (n, 1) for more than two classes
        return self.evaluation(truth, labels, np.asarray(model.predict_proba(features), dtype=np.float64))

    def ask_for(self, metric: str, model: Any, features: Any, truths: Sequence[Sequence[Any]]) -> list[Evaluation]:
        """Let a fitted model answer rows for one metric only: labels or probabilities, because a forest takes full time for each.

        Args:
            features: The rows of all evaluations one after another, the same number for each.
            truths: The true labels of each evaluation.
        """
        if metric in OF_PROBABILITIES:
            probabilities = np.asarray(model.predict_proba(features), dtype=np.float64)
            return [self.evaluation(truth, [], part) for truth, part in zip(truths, np.split(probabilities, len(truths)), strict=True)]
        parts = np.split(np.ravel(model.predict(features)), len(truths))
        return [self.evaluation(truth, part.tolist(), NOTHING) for truth, part in zip(truths, parts, strict=True)]

    def most_probable(self, classes: npt.NDArray[Any], probabilities: Probabilities, truth: Any) -> Evaluation:
        """Return the evaluation of (n, classes) probabilities, each row labelled with its most probable class."""
        return self.evaluation(truth, classes[probabilities.argmax(axis=1)], probabilities)

    def of_engine(self, output: Any, probabilities: Probabilities, truth: Sequence[Any]) -> Evaluation:
        """Return the evaluation of what an engine answered."""
        labels = output.labels(probabilities)  # before rounding can move a tie
        shares = probabilities / probabilities.sum(axis=1, keepdims=True)  # float32 sums to one only within its own precision
        return self.evaluation(truth, labels, shares)

    def comparable(self, output: object) -> bool:
        """Whether a version's answers can be compared with those of this model."""
        return isinstance(output, Output) and list(output.classes) == self.target.labels

    def missing(self, truth: pd.Series[Any]) -> str:
        """Return which classes have no row, in words; "" when every class has one."""
        absent = [label for label in self.target.labels if not (truth == label).any()]
        return f"class {', '.join(map(str, absent))}" if absent else ""

    # --- showing

    def draw(self, folder: Path, evaluation: Any, title: str, slices: Mapping[str, Flags] = NO_SLICES) -> None:
        """Draw the pictures of an evaluation into a folder; the card has the figures of the slices."""
        plots.draw(folder, evaluation, title)

    def meanings(self) -> str:
        """Return each label with its meaning."""
        return card.classes(self.target)

    def decision(self, metric: str, threshold: float | None, reach: float | None = None) -> str:
        """Return when a row is called what, as a sentence of the card."""
        return card.decision(self.target, metric, threshold)

    def tables(self, matrix: Sequence[Sequence[int]]) -> dict[str, list[str]]:
        """Return tables in Markdown by their heading: the confusion matrix."""
        return {"Confusion matrix": card.confusion(self.target, matrix)}

    def slice_metrics(self) -> tuple[str, ...]:
        """Return the figures that a table of slices shows."""
        return card.slice_metrics(self.target)

    # --- rows and drift

    def read(self, column: pd.Series[str], places: cells.Places, numbers: Any = None) -> tuple[pd.Series[Any], list[str]]:
        """Return the outcomes that the cells of a file stand for, and what is wrong with the cells; labels are read as texts."""
        return cells.read(self.target, column, places)

    def groups(self, rows: pd.DataFrame, fewest: int = 1) -> dict[str, pd.DataFrame]:
        """See `cells.groups`: a class may have fewer rows than `fewest`, and its name reveals none of them."""
        return cells.groups(self.target, rows)

    def cells_of_group(self, group: str, count: int) -> list[str]:
        """See `cells.cells_of_group`."""
        return cells.cells_of_group(self.target, group, count)

    def leaks(self, rows: pd.DataFrame, features: list[str]) -> list[str]:
        """Return an error for each column that gives the answer away."""
        return cells.leaks(self.target, rows, features)

    def places_of_label_drift(
        self, truth: npt.NDArray[Any], size: float, count: int, generator: np.random.Generator
    ) -> npt.NDArray[np.int64]:
        """Draw rows whose outcomes are distributed otherwise; see `simulation.places`."""
        return simulation.places(self.target, truth, size, count, generator)

    def outcomes_of_concept_drift(self, outcomes: Sequence[Any], size: float, order: npt.NDArray[np.float64]) -> list[ClassLabel]:
        """Return outcomes that follow from the rows otherwise: the share `size` that is last in the order turns. See `simulation`."""
        turned = np.zeros(len(outcomes), dtype=np.bool_)
        turned[np.argsort(order, kind="stable")[len(outcomes) - round(size * len(outcomes)) :]] = True
        return simulation.relabelled(self.target, outcomes, turned)
