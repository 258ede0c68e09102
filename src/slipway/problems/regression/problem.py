"""What the code that trains, judges and watches asks of a regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import RepeatedKFold

from slipway.problems.regression import calibration, card, cells, plots, simulation
from slipway.problems.regression.evaluation import Flags, Floats, QuantityEvaluation
from slipway.problems.regression.output import QuantityOutput
from slipway.problems.regression.target import Quantity

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Regression:
    """Everything about one model that depends on its answers being numbers."""

    target: Quantity

    # pictures that the run page of a release shows: title -> file of `draw`
    pictures: ClassVar[dict[str, str]] = {"Predicted and actual": "predicted_actual.png", "Residuals": "residuals.png"}
    # what the card says of each baseline
    baseline_notes: ClassVar[dict[str, str]] = {
        "median": "always answers the median of the training rows.",
        "mean": "always answers their mean.",
        "linear": "is a linear regression on the same columns.",
    }

    def output(self, threshold: float | None, reach: float | None = None) -> QuantityOutput:
        """Return what a version answers whose intervals reach that far; there is no threshold."""
        if threshold is not None or reach is None:
            raise ValueError(f"a regression has the reach of its intervals and no threshold: received {threshold=}, {reach=}.")
        target = self.target
        return QuantityOutput(target.unit, target.description, target.coverage, reach, target.low, target.high, target.log)

    # --- learning

    def folds(self, splits: int, repeats: int, seed: int) -> RepeatedKFold:
        """Return the folds of cross-validation."""
        return RepeatedKFold(n_splits=splits, n_repeats=repeats, random_state=seed)

    def baselines(self) -> dict[str, Any]:
        """Return the unfitted baselines; the first two know no column.

        Of all constants, the median has the least absolute error, and the mean the least squared one.
        """
        return {"median": DummyRegressor(strategy="median"), "mean": DummyRegressor(strategy="mean"), "linear": LinearRegression()}

    def choose_threshold(
        self, metric: str, pipeline: Any, features: Any, labels: Any, *, folds: Any, jobs: int = 1, weights: Any = None
    ) -> float:
        """Refuse: a number is not decided by a threshold."""
        self.target.require_threshold(metric)
        raise AssertionError("require_threshold refuses every metric.")

    def reach(
        self, pipeline: Any, features: Any, labels: Any, *, folds: Any, seed: int, jobs: int = 1, weights: Any = None
    ) -> float | None:
        """See `calibration.reach`."""
        return calibration.reach(self.target, pipeline, features, labels, folds=folds, seed=seed, jobs=jobs, weights=weights)

    def wrapped(self, pipeline: Any, threshold: float | None = None) -> Any:
        """Return the unfitted pipeline with the transformation of its target, if there is one."""
        return calibration.wrapped(self.target, pipeline)

    # --- evaluating

    def evaluation(self, truth: Sequence[Any], labels: Sequence[Any], numbers: Floats) -> QuantityEvaluation:
        """Return predictions of n rows with their outcomes; `numbers` are the (n, 2) ends of the intervals."""
        ends = np.asarray(numbers, dtype=np.float64)
        ends = ends if ends.ndim == 2 else ends.reshape(0, 2)  # of no rows, a list has no columns
        return QuantityEvaluation(self.target, truth, labels, ends)

    def ask(self, model: Any, features: Any, truth: Sequence[Any]) -> QuantityEvaluation:
        """Let a fitted model answer n rows; the evaluation has no intervals."""
        return self.evaluation(truth, model.predict(features).tolist(), np.empty((len(truth), 0)))

    def ask_for(self, metric: str, model: Any, features: Any, truths: Sequence[Sequence[Any]]) -> list[QuantityEvaluation]:
        """Let a fitted model answer rows.

        Args:
            features: The rows of all evaluations one after another, the same number for each.
            truths: The true numbers of each evaluation.
        """
        parts = np.split(model.predict(features), len(truths))
        return [self.evaluation(truth, part.tolist(), np.empty((len(part), 0))) for truth, part in zip(truths, parts, strict=True)]

    def of_engine(self, output: Any, raw: Floats, truth: Sequence[Any]) -> QuantityEvaluation:
        """Return the evaluation of what an engine answered."""
        return self.evaluation(truth, output.labels(raw), output.numbers(raw))

    def comparable(self, output: object) -> bool:
        """Whether a version's answers can be compared with those of this model."""
        return isinstance(output, QuantityOutput) and output.unit == self.target.unit

    def missing(self, truth: pd.Series[Any]) -> str:
        """Return "": no rows are needed beside their number."""
        return ""

    # --- showing

    def draw(self, folder: Path, evaluation: Any, title: str, slices: Mapping[str, Flags]) -> None:
        """Draw the pictures of an evaluation into a folder, and the residuals by slice if there are slices."""
        plots.draw(folder, evaluation, title)
        plots.residuals_by_slice(folder / "residuals_by_slice.png", evaluation, slices, title)

    def meanings(self) -> str:
        """Return what the number is."""
        return card.meaning(self.target)

    def decision(self, metric: str, threshold: float | None, reach: float | None) -> str:
        """Return how an answer and its interval are made, as sentences of the card."""
        return card.decision(self.target, reach)

    def tables(self, matrix: Sequence[Sequence[int]]) -> dict[str, list[str]]:
        """Return no table: there is no confusion matrix."""
        return {}

    def slice_metrics(self) -> tuple[str, ...]:
        """Return the figures that a table of slices shows."""
        return card.SLICE_METRICS

    # --- rows and drift

    def read(self, column: pd.Series[str], places: cells.Places, numbers: cells.Numbers) -> tuple[pd.Series[Any], list[str]]:
        """Return the numbers that the cells of a file stand for, and what is wrong with the cells; see `cells.read`."""
        return cells.read(self.target, column, places, numbers)

    def groups(self, rows: pd.DataFrame, fewest: int = 1) -> dict[str, pd.DataFrame]:
        """See `cells.groups`."""
        return cells.groups(self.target, rows, fewest)

    def cells_of_group(self, group: str, count: int) -> list[str]:
        """See `cells.cells_of_group`."""
        return cells.cells_of_group(group, count)

    def leaks(self, rows: pd.DataFrame, features: list[str]) -> list[str]:
        """Return an error for each column that gives the answer away."""
        return cells.leaks(self.target, rows, features)

    def places_of_label_drift(
        self, truth: npt.NDArray[Any], size: float, count: int, generator: np.random.Generator
    ) -> npt.NDArray[np.int64]:
        """Draw rows whose outcomes are distributed otherwise; see `simulation.places`."""
        return simulation.places(truth, size, count, generator)

    def outcomes_of_concept_drift(self, outcomes: Sequence[Any], size: float, order: npt.NDArray[np.float64]) -> list[float]:
        """Return outcomes that follow from the rows otherwise; see `simulation.shifted`."""
        return simulation.shifted(self.target, outcomes, size)
