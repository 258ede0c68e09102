"""Plots of the columns' importance and of the search for hyperparameters, as PNG, drawn without a display."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slipway.rendering.picture import bars, height_of, picture
from slipway.training.evidence.importance import Importance

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial


def importance_of_columns(path: Path, found: list[Importance], loss: str, title: str) -> None:
    """Draw how much worse the metric is when each column is shuffled, with one standard deviation over the repeats.

    Args:
        loss: Such as "fall of accuracy".
    """
    with picture(path, title, height_of(len(found))) as axes:
        bars(axes, [item.column for item in found], [item.mean for item in found], [item.deviation for item in found])
        axes.set_xlabel(f"{loss} when the column is shuffled")


def history(path: Path, study: optuna.Study, metric: str, title: str) -> bool:
    """Draw the score of each trial, in the order of their start, and the best so far; return whether there was anything to draw.

    A pruned trial is drawn at the mean of the folds it was scored on, which is not its score; so Optuna's own plot leaves it out.
    """
    whole, pruned = completed(study), [(trial.number, np.mean(list(trial.intermediate_values.values()))) for trial in cut_short(study)]
    if not whole:
        return False
    numbers, scores = [trial.number for trial in whole], [trial.values[0] for trial in whole]
    from matplotlib.ticker import MaxNLocator

    best = np.minimum if study.direction.name == "MINIMIZE" else np.maximum
    with picture(path, title) as axes:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if pruned:
            starts, means = zip(*pruned, strict=True)
            axes.scatter(starts, means, marker="x", s=18, color="silver", label="pruned, mean of its folds")
        axes.scatter(numbers, scores, s=18, label="trial")
        axes.step(numbers, best.accumulate(scores), where="post", color="tab:orange", label="best so far")
        axes.set(xlabel="trial", ylabel=f"cross-validated {metric}")
        axes.legend(fontsize=8)
    return True


def importance_of_hyperparameters(path: Path, study: optuna.Study, title: str) -> bool:
    """Draw each hyperparameter's share of the difference between good and poor trials; return whether there was anything to draw.

    By PED-ANOVA (Watanabe, Bansal and Hutter, IJCAI 2023), Optuna's default. It is not random, so it needs no seed.
    """
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    if len({trial.values[0] for trial in completed(study)}) < 2:  # no trial is better than another
        return False
    found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    with picture(path, title, height_of(len(found))) as axes:
        bars(axes, list(found), [float(value) for value in found.values()])
        axes.set_xlabel("share of the difference between the best trials and the others")
    return True


def completed(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that were scored on every fold, in the order of their start."""
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]


def cut_short(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that were pruned after some folds."""
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "PRUNED" and trial.intermediate_values]
