"""Pictures of a classifier's answers: of the positive class, or of each of several classes against the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

import numpy as np
import numpy.typing as npt

from slipway.problems.classification.evaluation import Evaluation
from slipway.rendering.picture import picture

CALIBRATION_BINS, MANY_ROWS = 10, 1_000


def draw(folder: Path, evaluation: Evaluation, title: str) -> None:
    """Draw every picture into a folder."""
    confusion_matrix(folder / "confusion_matrix.png", evaluation, title)
    roc(folder / "roc.png", evaluation, title)
    precision_recall(folder / "precision_recall.png", evaluation, title)
    calibration(folder / "calibration.png", evaluation, title)


def confusion_matrix(path: Path, evaluation: Evaluation, title: str) -> None:
    """Draw the confusion matrix with counts."""
    from sklearn.metrics import ConfusionMatrixDisplay

    meanings = [fill(meaning, 14) for meaning in evaluation.target.classes.values()]
    with picture(path, title) as axes:
        display = ConfusionMatrixDisplay(np.array(evaluation.confusion()), display_labels=meanings)
        display.plot(ax=axes, cmap="Blues", colorbar=False)
        axes.tick_params(axis="both", labelsize=8)
        axes.tick_params(axis="y", labelrotation=90)
        for text in axes.get_yticklabels():
            text.set(verticalalignment="center", multialignment="center")


def roc(path: Path, evaluation: Evaluation, title: str) -> None:
    """Draw the receiver operating characteristic."""
    from sklearn.metrics import RocCurveDisplay

    with picture(path, title) as axes:
        for name, hits, scores in _one_by_one(evaluation):
            RocCurveDisplay.from_predictions(hits, scores, ax=axes, name=name)
        axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="chance")
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
        axes.legend(fontsize=8, loc="lower right")


def precision_recall(path: Path, evaluation: Evaluation, title: str) -> None:
    """Draw precision against recall; a dotted line is what chance reaches: the share of the class."""
    from sklearn.metrics import PrecisionRecallDisplay

    with picture(path, title) as axes:
        for name, hits, scores in _one_by_one(evaluation):
            display = PrecisionRecallDisplay.from_predictions(hits, scores, ax=axes, name=name)
            axes.axhline(hits.mean(), linestyle=":", color=display.line_.get_color())
        axes.set(xlabel="recall", ylabel="precision", ylim=(0, 1.05))
        axes.legend(fontsize=8, loc="lower left")


def calibration(path: Path, evaluation: Evaluation, title: str) -> None:
    """Draw how often what was given a probability came true, in up to ten groups: of equal size, or of equal width for many rows.

    With a rare class, groups of equal size would nearly all lie at zero; with few rows, groups of equal width would be of a few.
    """
    from sklearn.calibration import CalibrationDisplay

    strategy = "uniform" if len(evaluation.truth) >= MANY_ROWS else "quantile"
    with picture(path, title) as axes:
        for name, hits, scores in _one_by_one(evaluation):
            CalibrationDisplay.from_predictions(
                hits, scores, n_bins=CALIBRATION_BINS, strategy=strategy, ax=axes, name=name, ref_line=False
            )
        axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="perfect")
        axes.set(xlabel="mean predicted probability of the group", ylabel="share of the group that is of the class")
        axes.set_aspect("equal")
        axes.legend(fontsize=8, loc="upper left")


def _one_by_one(evaluation: Evaluation) -> Iterator[tuple[str, npt.NDArray[np.bool_], npt.NDArray[np.float64]]]:
    """Yield what each shown class means, whether each row is of it, and the probability it was given."""
    target = evaluation.target
    for label, meaning in target.classes.items():
        if not target.binary or label == target.positive:
            yield meaning, np.array([true == label for true in evaluation.truth]), evaluation.probabilities[:, target.index(label)]
