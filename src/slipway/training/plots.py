"""Pictures of a model's answers, drawn without a display."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay, RocCurveDisplay

from slipway.spec import ClassLabel, Target


def confusion_matrix(path: Path, target: Target, matrix: list[list[int]], title: str) -> None:
    """Draw the confusion matrix with counts as a PNG."""
    figure = Figure(figsize=(4.8, 4.2), layout="constrained")
    axes = figure.subplots()
    display = ConfusionMatrixDisplay(np.array(matrix), display_labels=list(target.classes.values()))
    display.plot(ax=axes, cmap="Blues", colorbar=False)
    axes.set_title(title, fontsize=10)
    figure.savefig(path, dpi=110)


def roc(path: Path, target: Target, truth: Sequence[ClassLabel], probabilities: npt.NDArray[np.float64], title: str) -> None:
    """Draw the receiver operating characteristic as a PNG, of the positive class, or of each class against the rest."""
    figure = Figure(figsize=(4.8, 4.2), layout="constrained")
    axes = figure.subplots()
    shown = [label for label in target.labels if not target.binary or label == target.positive]
    for label in shown:
        hits = [answer == label for answer in truth]
        column = probabilities[:, target.index(label)]
        RocCurveDisplay.from_predictions(hits, column, ax=axes, name=target.classes[label])
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    axes.set_title(title, fontsize=10)
    figure.savefig(path, dpi=110)
