"""Split once, fitted on training rows only, tuned the same after a crash, scored by figures that can be checked by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState, create_trial
from sklearn.linear_model import LogisticRegression

from slipway.data.validation import validate
from slipway.records import Tuned
from slipway.spec import ModelSpec, Simplest
from slipway.training.measuring import Measured, measure
from slipway.training.pipelines import build
from slipway.training.search.tuning import STANDARD_ERROR, choose, study_name, tune
from slipway.training.splitting import Rows, split

SHA256 = "ab" * 32


@pytest.fixture(scope="session")
def quick(heart: ModelSpec) -> ModelSpec:
    """heart-failure, scored over two folds once: a trial takes hundredths of a second."""
    return replace(heart, folds=2, repeats=1)


def study_in(folder: Path, spec: ModelSpec) -> optuna.Study:
    name = study_name(spec, SHA256)
    return optuna.load_study(study_name=name, storage=JournalStorage(JournalFileBackend(str(folder / f"{name}.journal"))))


def finished(folder: Path, spec: ModelSpec) -> list[tuple[dict[str, Any], list[float], dict[str, Any]]]:
    trials = study_in(folder, spec).get_trials(states=[TrialState.COMPLETE])
    return [(trial.params, trial.values, trial.user_attrs) for trial in trials]


# splitting


def assert_split_as_promised(rows: Rows) -> None:
    # 20 % of 918 rows, rounded up, are 184; of them 410/918 without disease: 82.2, and 508/918 with it: 101.8
    assert (len(rows.train), len(rows.test)) == (734, 184)
    assert rows.test_labels.value_counts().to_dict() == {0: 82, 1: 102}
    assert rows.train_labels.value_counts().to_dict() == {0: 410 - 82, 1: 508 - 102}


def test_a_fifth_of_the_sample_rows_is_set_apart_with_every_class_keeping_its_share(rows: Rows) -> None:
    assert_split_as_promised(rows)


def test_a_fifth_of_the_real_rows_is_set_apart_with_every_class_keeping_its_share(heart: ModelSpec, real_csv: Path) -> None:
    assert_split_as_promised(split(heart, validate(heart, real_csv)))


def test_no_row_is_both_learnt_from_and_tested_on(heart: ModelSpec, rows: Rows) -> None:
    assert not set(rows.train.index) & set(rows.test.index)
    assert set(rows.train.index) | set(rows.test.index) == set(range(918))
    assert list(rows.train.columns) == list(rows.test.columns) == heart.columns.names


def test_the_same_rows_give_the_same_split_and_another_seed_another(heart: ModelSpec, snapshot: Any, rows: Rows) -> None:
    again = split(heart, validate(heart, snapshot.path))
    other = split(replace(heart, split=replace(heart.split, seed=43)), validate(heart, snapshot.path))

    pd.testing.assert_frame_equal(again.test, rows.test)
    pd.testing.assert_series_equal(again.test_labels, rows.test_labels)
    assert set(other.test.index) != set(rows.test.index)


# pipelines


def test_preparation_is_fitted_on_training_rows_only(heart: ModelSpec, rows: Rows, measured: Measured) -> None:
    scaler = measured.pipeline["preparation"].named_transformers_["numbers"]
    names = list(heart.columns.numeric)

    np.testing.assert_allclose(scaler.mean_, rows.train[names].mean())
    everything = pd.concat([rows.train, rows.test])[names].mean()
    assert (np.abs(scaler.mean_ - everything) > 1e-6).any()  # the two differ here


def test_imputation_replaces_zeros_by_the_median_of_measured_training_rows_and_marks_them(heart: ModelSpec, rows: Rows) -> None:
    preparation = build(heart, {"preparation.zeros": "impute"}).fit(rows.train, rows.train_labels)["preparation"]
    training = rows.train["Cholesterol"]
    median = training[training != 0].median()
    assert (training == 0).any()
    assert median != training.median()
    assert preparation.transformers_[1][2] == ["RestingBP", "Cholesterol"]
    unknown, like_it = (rows.train.head(1).assign(RestingBP=120, Cholesterol=value) for value in (0, median))

    before, after = (pd.Series(preparation.transform(row)[0], preparation.get_feature_names_out()) for row in (unknown, like_it))

    assert before.pop("measured__Cholesterol") == 0
    assert after.pop("measured__Cholesterol") == 1
    pd.testing.assert_series_equal(before, after)


def test_building_a_pipeline_seeds_it_and_leaves_the_declaration_as_it_was(heart: ModelSpec) -> None:
    estimator = build(heart, {"C": 0.25})["model"]

    assert (estimator.C, estimator.random_state) == (0.25, heart.split.seed)
    assert (heart.estimator.C, heart.estimator.random_state) == (1.0, None)  # type: ignore[attr-defined]


# tuning


def test_an_interrupted_study_gives_the_same_result(quick: ModelSpec, rows: Rows, tmp_path: Path) -> None:
    whole = tune(quick, rows, SHA256, 12, tmp_path / "whole")
    assert len({params["C"] for params, _, _ in finished(tmp_path / "whole", quick)}) == 12  # each trial tries something new

    for trials in (3, 6, 12):  # the first ten are drawn at random, the others learn from those before
        resumed = tune(quick, rows, SHA256, trials, tmp_path / "parts")
        assert finished(tmp_path / "parts", quick) == finished(tmp_path / "whole", quick)[:trials]
        assert resumed.trials == trials

    assert resumed == whole


def test_a_trial_left_running_by_a_killed_process_is_marked_failed_and_does_not_count(quick: ModelSpec, rows: Rows, tmp_path: Path) -> None:
    tune(quick, rows, SHA256, 1, tmp_path / "killed")
    study_in(tmp_path / "killed", quick).ask(dict(quick.search_space))  # and never finished: its process is gone

    tuned = tune(quick, rows, SHA256, 3, tmp_path / "killed")

    states = [trial.state for trial in study_in(tmp_path / "killed", quick).get_trials()]
    assert states == [TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE, TrialState.COMPLETE]
    assert tuned.trials == 3
    assert tuned == tune(quick, rows, SHA256, 3, tmp_path / "whole")


def test_progress_is_reported_after_every_trial_with_the_best_score_so_far(quick: ModelSpec, rows: Rows, tmp_path: Path) -> None:
    progress: list[tuple[int, int, float]] = []

    tune(quick, rows, SHA256, 3, tmp_path, lambda *trial: progress.append(trial))

    scores = [values[0] for _, values, _ in finished(tmp_path, quick)]
    assert progress == [(1, 3, scores[0]), (2, 3, max(scores[:2])), (3, 3, max(scores))]


def test_trials_of_other_rows_or_another_question_are_never_mixed(heart: ModelSpec) -> None:
    asked = study_name(heart, SHA256)
    others = [
        study_name(heart, "cd" * 32),
        study_name(replace(heart, search_space=dict(heart.search_space) | {"C": FloatDistribution(1e-3, 1e3, log=True)}), SHA256),
        study_name(replace(heart, estimator=type(heart.estimator)(max_iter=10)), SHA256),
        study_name(replace(heart, metric="f1"), SHA256),
        study_name(replace(heart, repeats=1), SHA256),
        study_name(replace(heart, split=replace(heart.split, seed=1)), SHA256),
    ]

    assert asked == study_name(heart, SHA256)
    assert asked.startswith("heart-failure-abababababab-")
    assert len({asked, *others}) == 7


Trial = tuple[float, str, float]


@pytest.fixture
def study(heart: ModelSpec) -> Callable[[list[Trial]], optuna.Study]:
    """Make a study of heart-failure from (C, zeros, score); the standard error is 1/8 for each, which floats hold exactly."""

    def made(trials: list[Trial]) -> optuna.Study:
        study = optuna.create_study(direction="maximize")
        for c, zeros, score in trials:
            params = {"C": c, "preparation.zeros": zeros}
            study.add_trial(
                create_trial(params=params, distributions=dict(heart.search_space), value=score, user_attrs={STANDARD_ERROR: 0.125})
            )
        return study

    return made


TRIALS: list[Trial] = [
    (0.01, "keep", 0.7499),  # just outside one standard error of the best: 0.875 - 0.125 = 0.75
    (0.1, "keep", 0.75),  # just inside
    (1.0, "keep", 0.80),
    (0.02, "impute", 0.87),  # as good and simpler, but another choice of preparation
    (10.0, "keep", 0.875),  # the best
    (50.0, "keep", 0.86),
]


@pytest.mark.parametrize(("simplest", "c"), [(None, 10.0), (Simplest("C", "low"), 0.1), (Simplest("C", "high"), 50.0)])
def test_the_simplest_trial_within_a_standard_error_of_the_best_is_chosen(
    heart: ModelSpec, study: Callable[[list[Trial]], optuna.Study], simplest: Simplest | None, c: float
) -> None:
    chosen = choose(replace(heart, simplest=simplest), study(TRIALS))

    assert chosen.params == {"C": c, "preparation.zeros": "keep"}


def test_a_failed_trial_is_never_chosen(heart: ModelSpec, study: Callable[[list[Trial]], optuna.Study]) -> None:
    tried = study([(1.0, "keep", 0.875)])
    params = {"C": 0.001, "preparation.zeros": "keep"}
    tried.add_trial(create_trial(state=TrialState.FAIL, params=params, distributions=dict(heart.search_space)))

    assert choose(heart, tried).params["C"] == 1.0


# measuring and evaluating


def test_measuring_scores_the_test_rows_with_the_tuned_parameters(rows: Rows, tuned: Tuned, measured: Measured) -> None:
    assert tuned.parameters["C"] == measured.pipeline["model"].C
    right = sum(ours == true for ours, true in zip(measured.evaluation.labels, rows.test_labels, strict=True))
    assert measured.metrics["accuracy"] == right / 184
    assert measured.evaluation.confusion()[0][0] + measured.evaluation.confusion()[1][1] == right
    assert [sum(row) for row in measured.evaluation.confusion()] == [82, 102]


class Recording(LogisticRegression):
    """Notes how many rows it learns from and answers, and whether test rows, which the test below marks, are among them."""

    seen: ClassVar[list[tuple[str, int, bool]]] = []

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Recording:  # noqa: N803 - scikit-learn's own names
        self.seen.append(("fit", len(X), _marked(X)))
        return super().fit(X, y, sample_weight)

    def decision_function(self, X: Any) -> Any:  # noqa: N803
        self.seen.append(("answer", len(X), _marked(X)))
        return super().decision_function(X)


def _marked(matrix: Any) -> bool:
    return bool((np.abs(np.asarray(matrix, dtype=float)) > 1_000).any())  # no scaled number of a training row is that large


@pytest.mark.parametrize("tune_threshold", [False, True])
def test_the_test_rows_are_scored_once_after_tuning_and_nothing_is_fitted_on_them(
    quick: ModelSpec, rows: Rows, tmp_path: Path, tune_threshold: bool
) -> None:
    metric = "f1" if tune_threshold else "accuracy"
    spec = replace(quick, estimator=Recording(), metric=metric, tune_threshold=tune_threshold, simplest=None, baseline=None)
    marked = replace(rows, test=rows.test.assign(Age=1e7))
    Recording.seen.clear()

    tuned = tune(spec, marked, SHA256, 3, tmp_path)

    assert {what for what, _, _ in Recording.seen} == {"fit", "answer"}
    assert not any(test for _, _, test in Recording.seen)
    Recording.seen.clear()

    measure(spec, marked, tuned)

    assert Recording.seen[0] == ("fit", 734, False)
    assert set(Recording.seen[1:]) == {("answer", 184, True)}  # labels, and probabilities
