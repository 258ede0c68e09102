"""Grids, early stops, several processes and decision thresholds."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from slipway.data.samples import generate
from slipway.data.validation import validate
from slipway.errors import SpecError
from slipway.records import Tuned
from slipway.spec import ModelSpec
from slipway.training.measuring import measure
from slipway.training.pipelines import build
from slipway.training.search import attempts, points
from slipway.training.search.forests import Fold, Forests
from slipway.training.search.points import grid_points
from slipway.training.search.trials import Objective
from slipway.training.search.tuning import choose_threshold, study_name, tune
from slipway.training.splitting import Rows, split

pytestmark = pytest.mark.slow

SHA256 = "cd" * 32


def trials_in(folder: Path, spec: ModelSpec) -> list[optuna.trial.FrozenTrial]:
    name = study_name(spec, SHA256)
    return optuna.load_study(study_name=name, storage=JournalStorage(JournalFileBackend(str(folder / f"{name}.journal")))).trials


@pytest.fixture
def grid(heart: ModelSpec) -> ModelSpec:
    """One good value of C, and twenty so strongly penalised that the answer hardly depends on the row."""
    values = CategoricalDistribution([1.0, *(number * 1e-7 for number in range(1, 21))])
    return replace(heart, search="grid", simplest=None, search_space={"C": values}, repeats=1)


def test_a_grid_visits_every_point_once_and_ends(grid: ModelSpec, rows: Rows, tmp_path: Path) -> None:
    tuned = tune(grid, rows, SHA256, 100, tmp_path)

    assert grid_points(grid) == 21
    assert sorted(trial.params["C"] for trial in trials_in(tmp_path, grid)) == sorted(grid.search_space["C"].choices)  # type: ignore[attr-defined]
    assert tuned.trials == 21
    assert tuned.parameters == {"C": 1.0}


def test_a_trial_that_is_worse_in_its_first_folds_is_pruned(grid: ModelSpec, rows: Rows, tmp_path: Path) -> None:
    tune(grid, rows, SHA256, 100, tmp_path)

    trials = trials_in(tmp_path, grid)
    pruned = [trial for trial in trials if trial.state == TrialState.PRUNED]
    assert pruned
    assert all(len(trial.intermediate_values) < grid.folds for trial in pruned)
    assert next(trial for trial in trials if trial.params["C"] == 1.0).state == TrialState.COMPLETE


def test_a_grid_of_a_range_is_refused(heart: ModelSpec) -> None:
    with pytest.raises(SpecError, match=r"a grid needs a list of values for each parameter; \['C'\] have none"):
        replace(heart, search="grid")


@pytest.fixture
def always_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start processes even if they save no time."""
    monkeypatch.setattr(attempts, "WORTHWHILE", -1.0)


def contents(trial: optuna.trial.FrozenTrial) -> tuple[object, ...]:
    return trial.number, trial.params, trial.state, trial.values, trial.intermediate_values, trial.user_attrs


def searched(spec: ModelSpec, rows: Rows, folder: Path, *parts: int, jobs: int) -> tuple[Tuned, list[tuple[object, ...]]]:
    """Tune in parts, as if the process had been killed after each; return the choice and every trial."""
    for trials in parts:
        tuned = tune(spec, rows, SHA256, trials, folder, jobs=jobs)
    return tuned, [contents(trial) for trial in trials_in(folder, spec)]


@pytest.mark.usefixtures("always_workers")
def test_any_number_of_processes_and_any_interruption_give_the_same_trials(heart: ModelSpec, rows: Rows, tmp_path: Path) -> None:
    pruned = replace(heart, simplest=None, repeats=1)

    alone = searched(pruned, rows, tmp_path / "alone", 18, jobs=1)

    assert searched(pruned, rows, tmp_path / "two", 18, jobs=2) == alone
    assert searched(pruned, rows, tmp_path / "three", 18, jobs=3) == alone
    assert searched(pruned, rows, tmp_path / "killed", 3, 10, 18, jobs=2) == alone  # in the first window, and after it
    assert searched(pruned, rows, tmp_path / "killed alone", 5, 9, 18, jobs=1) == alone
    assert {trial.state for trial in trials_in(tmp_path / "two", pruned)} == {TrialState.COMPLETE, TrialState.PRUNED}
    assert len({trial.params["C"] for trial in trials_in(tmp_path / "two", pruned)}) == 18  # nothing is tried twice


@pytest.mark.usefixtures("always_workers")
def test_two_processes_report_their_trials_in_order(heart: ModelSpec, rows: Rows, tmp_path: Path) -> None:
    quick = replace(heart, folds=2, repeats=1)
    progress: list[tuple[int, int, float]] = []

    tuned = tune(quick, rows, SHA256, 12, tmp_path, lambda *trial: progress.append(trial), jobs=2)

    scores = [trial.values[0] for trial in trials_in(tmp_path, quick)]
    assert progress == [(number, 12, max(scores[:number])) for number in range(1, 13)]
    assert tuned.trials == 12


@pytest.mark.usefixtures("always_workers")
def test_two_processes_visit_every_point_of_a_grid_once(grid: ModelSpec, rows: Rows, tmp_path: Path) -> None:
    two = searched(grid, rows, tmp_path / "two", 5, 100, jobs=2)

    assert sorted(trial.params["C"] for trial in trials_in(tmp_path / "two", grid)) == sorted(grid.search_space["C"].choices)  # type: ignore[attr-defined]
    assert two == searched(grid, rows, tmp_path / "alone", 100, jobs=1)


def test_a_search_that_is_soon_done_starts_no_process(heart: ModelSpec, rows: Rows, tmp_path: Path) -> None:
    attempts._pool.cache_clear()

    tune(replace(heart, folds=2, repeats=1), rows, SHA256, 3, tmp_path, jobs=2)

    assert attempts._pool.cache_info().currsize == 0


def test_an_error_in_a_worker_ends_the_search_and_the_trials_before_it_are_kept(
    heart: ModelSpec, rows: Rows, tmp_path: Path, always_workers: None
) -> None:
    too_many = 10_000  # neighbours: allowed, but more than there are rows
    space = {"n_neighbors": CategoricalDistribution([1, 2, 3, 4, 5, too_many])}
    broken = replace(heart, estimator=KNeighborsClassifier(), search="grid", simplest=None, search_space=space, folds=2, repeats=1)

    with pytest.raises(ValueError, match="n_neighbors = 10000"):
        tune(broken, rows, SHA256, 6, tmp_path, jobs=2)

    order = [point["n_neighbors"] for point in points.grid(broken)]
    assert [trial.params["n_neighbors"] for trial in trials_in(tmp_path, broken)] == order[: order.index(too_many)]


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
def test_forests_that_share_trees_answer_like_forests_that_are_grown_whole(kind: type) -> None:
    features, labels = make_classification(400, 12, n_informative=6, flip_y=0.2, weights=[0.8], random_state=0)
    fold = Fold(features[:300], labels[:300], features[300:], labels[300:])
    shared, draw = Forests(range(4, 13, 4)), random.Random(1)
    asked = [
        kind(
            n_estimators=draw.choice(range(4, 13, 4)),
            max_depth=draw.choice([None, 4, *range(8, 17), 40]),  # trees end at depths of 9 to 16
            criterion=draw.choice(["gini", "entropy", "log_loss"]),
            max_features=draw.choice(["sqrt", "log2", 3]),
            class_weight=draw.choice([None, "balanced_subsample"]),
            bootstrap=True,
            random_state=42,
        )
        for _ in range(60)
    ]

    for forest in asked:
        whole = forest.fit(fold.train, fold.train_labels).predict_proba(fold.held_out)
        assert np.array_equal(shared.probabilities(forest, fold, "a fold"), whole), forest


def test_a_forest_with_more_trees_grows_only_the_new_ones() -> None:
    features, labels = make_classification(100, random_state=0)
    fold, shared = Fold(features, labels, features, labels), Forests((10, 20, 30))
    forest = RandomForestClassifier(n_estimators=30, criterion="entropy", random_state=0)
    shared.probabilities(forest, fold, "a fold")
    no_rows = Fold(features[:0], labels[:0], features, labels)  # a tree could not be grown on these

    for trees in (10, 20, 30):
        again = RandomForestClassifier(n_estimators=trees, criterion="log_loss", max_depth=50, random_state=0)
        assert shared.probabilities(again, no_rows, "a fold").shape == (100, 2)
    with pytest.raises(ValueError, match="0 sample"):
        shared.probabilities(RandomForestClassifier(n_estimators=31, criterion="entropy", random_state=0), no_rows, "a fold")


def test_a_fold_is_scored_as_scikit_learn_scores_the_whole_pipeline(heart: ModelSpec, rows: Rows) -> None:
    space = {"n_estimators": IntDistribution(5, 15, step=5)}
    for metric in ("f1", "roc_auc"):  # one reads labels, the other probabilities
        spec = replace(heart, estimator=RandomForestClassifier(), search_space=space, simplest=None, metric=metric, folds=3, repeats=1)
        objective = Objective(spec, rows)
        folds = RepeatedStratifiedKFold(n_splits=3, n_repeats=1, random_state=spec.split.seed)
        for trees in (15, 5, 10):
            whole = cross_val_score(build(spec, {"n_estimators": trees}), rows.train, rows.train_labels, scoring=metric, cv=folds)
            assert [objective.score({"n_estimators": trees}, fold) for fold in range(3)] == whole.tolist()


def test_the_threshold_is_the_same_with_any_number_of_jobs(heart: ModelSpec, rows: Rows) -> None:
    spec = replace(heart, metric="f1", folds=3, repeats=1)

    assert choose_threshold(spec, rows, {"C": 0.1}, jobs=2) == choose_threshold(spec, rows, {"C": 0.1})


def test_the_tuned_threshold_decides_the_labels_and_is_no_worse_on_the_training_rows(heart: ModelSpec, rows: Rows, tmp_path: Path) -> None:
    spec = replace(heart, metric="f1", tune_threshold=True, simplest=None, folds=3, repeats=1)

    tuned = tune(spec, rows, SHA256, 2, tmp_path)
    measured = measure(spec, rows, tuned)

    assert tuned.threshold is not None
    assert 0 < tuned.threshold < 1
    expected = [1 if probability >= tuned.threshold else 0 for probability in measured.evaluation.probabilities[:, 1]]
    assert measured.evaluation.labels == expected


def test_a_threshold_needs_two_classes_and_a_metric_of_labels(heart: ModelSpec) -> None:
    with pytest.raises(SpecError, match="tune_threshold needs a binary target and a metric of labels"):
        replace(heart, metric="roc_auc", tune_threshold=True)


@pytest.mark.parametrize(("name", "column", "by_hand"), [
    ("aids-trial", "dif_cd4", lambda row: row["cd420"] - row["cd40"]),
    (
        "telecom-churn",
        "bill",
        lambda row: (0.17 * row.Day_Mins + 0.085 * row.Eve_Mins + 0.045 * row.Night_Mins + 0.27 * row.Intl_Mins) / 0.57,
    ),
])  # fmt: skip
def test_derived_columns_are_computed_inside_the_pipeline_and_inside_the_bundle(name, column, by_hand, tmp_path: Path) -> None:
    from slipway.bundle.compiling.compiled import FittedPipeline
    from slipway.bundle.compiling.preparation import describe_preparation
    from slipway.bundle.engines.preparation import Preparer
    from slipway.catalogue import lookup
    from slipway.training.pipelines import build

    spec = lookup(name)
    rows = split(spec, validate(spec, generate(spec, tmp_path).path))
    pipeline = build(spec, {"n_estimators": 2}).fit(rows.train, rows.train_labels)
    matrix = pipeline["preparation"].transform(rows.test)
    steps = [step for step, _, _ in pipeline["preparation"].transformers_]
    place = len(spec.columns.numeric) - sum(len(how.replaced) for how in spec.columns.derived.values()) + steps.index(column) - 1

    served = Preparer(describe_preparation(FittedPipeline(pipeline, None))).matrix(
        {each: rows.test[each].tolist() for each in spec.columns.names}
    )

    assert np.array_equal(served, np.asarray(matrix, dtype=np.float64))
    np.testing.assert_allclose(served[0, place], by_hand(rows.test.iloc[0]), rtol=1e-12)
