"""Pictures of a regression's answers: predicted against actual numbers, and residuals by prediction and by slice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from slipway.problems.regression.evaluation import QuantityEvaluation
from slipway.rendering.picture import height_of, picture

MOST_DOTS = 5_000  # more of them hide each other


def draw(folder: Path, evaluation: QuantityEvaluation, title: str) -> None:
    """Draw the pictures of all rows into a folder."""
    predicted_actual(folder / "predicted_actual.png", evaluation, title)
    residuals(folder / "residuals.png", evaluation, title)


def predicted_actual(path: Path, evaluation: QuantityEvaluation, title: str) -> None:
    """Draw a dot for each row, its interval as a grey line, and the line on which predictions are right."""
    at = _some(evaluation.rows)
    truth, predicted = np.asarray(evaluation.truth)[at], np.asarray(evaluation.labels)[at]
    with picture(path, title) as axes:
        if evaluation.numbers.shape[1]:
            low, high = evaluation.numbers[at].T
            axes.vlines(truth, low, high, color="gainsboro", linewidth=0.8)
        axes.scatter(truth, predicted, s=10, alpha=0.6)
        ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]
        axes.plot(ends, ends, linestyle=":", color="grey")
        axes.set(xlabel=f"actual ({evaluation.target.unit})", ylabel=f"predicted ({evaluation.target.unit})")


def residuals(path: Path, evaluation: QuantityEvaluation, title: str) -> None:
    """Draw the residual of each row over its prediction; a pattern shows what the model has not learnt."""
    at = _some(evaluation.rows)
    with picture(path, title) as axes:
        axes.scatter(np.asarray(evaluation.labels)[at], evaluation.residuals[at], s=10, alpha=0.6)
        axes.axhline(0, linestyle=":", color="grey")
        axes.set(xlabel=f"predicted ({evaluation.target.unit})", ylabel="actual less predicted")


def residuals_by_slice(path: Path, evaluation: QuantityEvaluation, members: Mapping[str, npt.NDArray[np.bool_]], title: str) -> None:
    """Draw a box of the residuals of each slice that has rows; the first slice is on top."""
    parts = {name: evaluation.residuals[mask] for name, mask in members.items() if mask.any()}
    if not parts:
        return
    with picture(path, title, height_of(2 * len(parts))) as axes:
        axes.boxplot(list(parts.values())[::-1], orientation="horizontal", tick_labels=list(parts)[::-1], flierprops={"markersize": 3})
        axes.axvline(0, linestyle=":", color="grey")
        axes.tick_params(axis="y", labelsize=8)
        axes.set_xlabel(f"actual less predicted ({evaluation.target.unit})")


def _some(rows: int) -> npt.NDArray[np.intp]:
    """Return the places of the rows to draw, spread evenly."""
    return np.unique(np.linspace(0, rows - 1, min(rows, MOST_DOTS)).round().astype(np.intp))
