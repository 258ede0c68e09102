"""What a model said about the test rows: of the positive class, or of each class against the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

import numpy as np
import numpy.typing as npt

from slipway.rendering.picture import picture
from slipway.spec import Target
from slipway.training.evaluation import Answers

CALIBRATION_BINS, MANY_ROWS = 10, 1_000


def confusion_matrix(path: Path, target: Target, matrix: list[list[int]], title: str) -> None:
    """Draw the confusion matrix with counts."""
    from sklearn.metrics import ConfusionMatrixDisplay

    with picture(path, title) as axes:
        display = ConfusionMatrixDisplay(np.array(matrix), display_labels=[fill(meaning, 14) for meaning in target.classes.values()])
        display.plot(ax=axes, cmap="Blues", colorbar=False)
        axes.tick_params(axis="both", labelsize=8)
        axes.tick_params(axis="y", labelrotation=90)
        for text in axes.get_yticklabels():
            text.set(verticalalignment="center", multialignment="center")


def roc(path: Path, answers: Answers, title: str) -> None:
    """Draw the receiver operating characteristic."""
    from sklearn.metrics import RocCurveDisplay

    with picture(path, title) as axes:
        for name, hits, scores in _one_by_one(answers):
            RocCurveDisplay.from_predictions(hits, scores, ax=axes, name=name)
        axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="chance")
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
        axes.legend(fontsize=8, loc="lower right")


def precision_recall(path: Path, answers: Answers, title: str) -> None:
    """Draw precision against recall; a dotted line is what chance reaches: the share of the class."""
    from sklearn.metrics import PrecisionRecallDisplay

    with picture(path, title) as axes:
        for name, hits, scores in _one_by_one(answers):
            display = PrecisionRecallDisplay.from_predictions(hits, scores, ax=axes, name=name)
            axes.axhline(hits.mean(), linestyle=":", color=display.line_.get_color())
        axes.set(xlabel="recall", ylabel="precision", ylim=(0, 1.05))
        axes.legend(fontsize=8, loc="lower left")


def calibration(path: Path, answers: Answers, title: str) -> None:
    """Draw how often what was given a probability came true, in up to ten groups: of equal size, or of equal width for many rows.

    With a rare class, groups of equal size would nearly all lie at zero; with few rows, groups of equal width would be of a few.
    """
    from sklearn.calibration import CalibrationDisplay

    strategy = "uniform" if len(answers.truth) >= MANY_ROWS else "quantile"
    with picture(path, title) as axes:
        for name, hits, scores in _one_by_one(answers):
            CalibrationDisplay.from_predictions(
                hits, scores, n_bins=CALIBRATION_BINS, strategy=strategy, ax=axes, name=name, ref_line=False
            )
        axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="perfect")
        axes.set(xlabel="mean predicted probability of the group", ylabel="share of the group that is of the class")
        axes.set_aspect("equal")
        axes.legend(fontsize=8, loc="upper left")


def _one_by_one(answers: Answers) -> Iterator[tuple[str, npt.NDArray[np.bool_], npt.NDArray[np.float64]]]:
    """Yield what each shown class means, whether each row is of it, and the probability it was given."""
    target = answers.target
    for label, meaning in target.classes.items():
        if not target.binary or label == target.positive:
            yield meaning, np.array([true == label for true in answers.truth]), answers.probabilities[:, target.index(label)]
