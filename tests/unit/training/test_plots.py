"""Pictures are drawn without a display, for two classes and for three, and left out where there is nothing to see."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from slipway.problems.classification import plots
from slipway.problems.classification.evaluation import Evaluation
from slipway.spec import Target
from slipway.training.evidence.importance import Importance
from slipway.training.plots import history, importance_of_columns, importance_of_hyperparameters

C = {"C": FloatDistribution(0, 1)}


@pytest.fixture(params=[2, 3], ids=["two classes", "three classes"])
def evaluation(request: pytest.FixtureRequest) -> Evaluation:
    size, generator = request.param, np.random.default_rng(1)
    target = Target("fate", {label: f"class {label}" for label in range(size)}, positive=1 if size == 2 else None)
    truth = generator.integers(size, size=60)
    probabilities = generator.dirichlet(np.ones(size), size=60)
    return Evaluation(target, truth.tolist(), probabilities.argmax(axis=1).tolist(), probabilities)


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=1))


def is_picture(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("draw", [plots.roc, plots.precision_recall, plots.calibration], ids=lambda draw: draw.__name__)
def test_curves_are_drawn_of_the_positive_class_or_of_each_against_the_rest(draw: object, evaluation: Evaluation, tmp_path: Path) -> None:
    draw(tmp_path / "curve.png", evaluation, "60 rows")  # type: ignore[operator]

    assert is_picture(tmp_path / "curve.png")


def test_a_confusion_matrix_and_importances_are_drawn(evaluation: Evaluation, tmp_path: Path) -> None:
    plots.confusion_matrix(tmp_path / "matrix.png", evaluation, "rows")
    importance_of_columns(tmp_path / "importance.png", [Importance("age", 0.2, 0.01), Importance("sex", -0.01, 0.02)], "f1", "rows")

    assert is_picture(tmp_path / "matrix.png")
    assert is_picture(tmp_path / "importance.png")


def test_a_search_is_drawn_with_its_pruned_trials(study: optuna.Study, tmp_path: Path) -> None:
    for place in range(8):
        study.add_trial(create_trial(params={"C": place / 8}, distributions=C, value=place / 10))
    study.add_trial(
        create_trial(params={"C": 0.5}, distributions=C, state=TrialState.PRUNED, intermediate_values={0: 0.1, 1: 0.3}, value=None)
    )

    assert history(tmp_path / "history.png", study, "f1", "a study")
    assert importance_of_hyperparameters(tmp_path / "importance.png", study, "a study")
    assert is_picture(tmp_path / "history.png")
    assert is_picture(tmp_path / "importance.png")


def test_a_study_without_trials_or_without_differences_leaves_its_pictures_out(study: optuna.Study, tmp_path: Path) -> None:
    assert not history(tmp_path / "history.png", study, "f1", "empty")
    for place in range(3):
        study.add_trial(create_trial(params={"C": place / 3}, distributions=C, value=0.5))
    assert not importance_of_hyperparameters(tmp_path / "importance.png", study, "all alike")

    assert list(tmp_path.iterdir()) == []


def test_drawing_leaves_no_figure_behind(evaluation: Evaluation, tmp_path: Path) -> None:
    plots.roc(tmp_path / "roc.png", evaluation, "rows")

    pyplot = sys.modules.get("matplotlib.pyplot")  # scikit-learn imports it; a figure kept there would grow with every release
    assert pyplot is None or pyplot.get_fignums() == []
