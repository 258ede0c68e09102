"""Tuning, measuring and describing a model that predicts a number."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from slipway.data.validation import validate
from slipway.spec import ModelSpec, Simplest
from slipway.training.artifacts import write
from slipway.training.evidence.evidence import TrainedModel
from slipway.training.measuring import measure
from slipway.training.search.tuning import choose, open_study, tune
from slipway.training.splitting import Rows, split
from tests.support.progression import progression, snapshot_of


def rows_of(spec: ModelSpec) -> Rows:
    return split(spec, validate(spec, Path(spec.dataset.origin)))


def test_an_error_is_minimised_and_the_simplest_trial_that_is_as_good_is_chosen(tmp_path: Path) -> None:
    spec = progression(tmp_path)
    simple = progression(tmp_path, simplest=Simplest("alpha", "high"))
    tuned = tune(spec, rows_of(spec), spec.dataset.sha256, 6, tmp_path)
    chosen = tune(simple, rows_of(simple), spec.dataset.sha256, 6, tmp_path)

    scores = [trial.values[0] for trial in open_study(spec, spec.dataset.sha256, tmp_path).trials if trial.state.name == "COMPLETE"]
    study = open_study(simple, spec.dataset.sha256, tmp_path)
    most = study.best_value + study.best_trial.user_attrs["standard_error"]
    assert tuned.score == min(scores)
    assert 40 < tuned.score < 50
    assert choose(simple, study).params["alpha"] == chosen.parameters["alpha"]
    assert chosen.parameters["alpha"] == max(trial.params["alpha"] for trial in study.trials if trial.values[0] <= most)


def test_a_forest_of_numbers_is_tuned_like_any_other_regressor(tmp_path: Path) -> None:
    spec = progression(tmp_path, estimator=RandomForestRegressor(n_estimators=10), search_space={}, folds=3)

    tuned = tune(spec, rows_of(spec), spec.dataset.sha256, 1, tmp_path)

    assert 40 < tuned.score < 60
    assert tuned.reach
    assert 60 < tuned.reach < 130


def test_the_card_says_what_is_predicted_and_how_far_the_interval_reaches(tmp_path: Path) -> None:
    spec = progression(tmp_path)
    rows = rows_of(spec)
    tuned = tune(spec, rows, spec.dataset.sha256, 2, tmp_path / "studies")
    measured = measure(spec, rows, tuned)
    (tmp_path / "run").mkdir()

    write(TrainedModel(spec, snapshot_of(spec), tuned, rows, measured), tmp_path / "run", "abc")

    card = (tmp_path / "run" / "card.md").read_text()
    assert "It predicts `target`: Progression after one year, in points, from 0 to 400." in card
    assert f"It reaches {tuned.reach:.4g} points to either side" in card
    assert "The model is tuned and judged by **mean_absolute_error**, an error: lower is better." in card
    assert "| column | mean rise | standard deviation |" in card
    assert set(measured.baselines) == {"median", "mean", "linear"}
    assert measured.metrics["mean_absolute_error"] < measured.baselines["median"]["mean_absolute_error"]
    figures = json.loads((tmp_path / "run" / "evidence" / "figures.json").read_text())
    low, high = figures["intervals"]["interval_coverage"]
    assert low < measured.metrics["interval_coverage"] < high
    names = {path.name for path in (tmp_path / "run" / "plots").iterdir()}
    assert names >= {"predicted_actual.png", "residuals.png", "residuals_by_slice.png", "permutation_importance.png"}
    assert (tmp_path / "run" / "evidence" / "answers.csv").read_text().startswith("row,truth,prediction,low,high\n")


def test_the_reach_is_of_the_training_rows_only(tmp_path: Path) -> None:
    spec = progression(tmp_path)
    rows = rows_of(spec)
    other = Rows(rows.train, rows.train_labels, rows.test, rows.test_labels * 0 + 399)

    found = [spec.problem.reach(spec.estimator, one.train, one.train_labels, folds=5, seed=3) for one in (rows, other)]

    assert found[0] == found[1] == pytest.approx(91, abs=5)
    assert np.isfinite(found[0])
