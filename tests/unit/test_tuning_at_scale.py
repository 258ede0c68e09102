"""Grids, early stops, several processes and decision thresholds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from slipway.data.samples import generate
from slipway.data.validation import validate
from slipway.errors import SpecError
from slipway.spec import ModelSpec
from slipway.training.measuring import measure
from slipway.training.splitting import Rows, split
from slipway.training.tuning import grid_points, study_name, tune

SHA256 = "cd" * 32


def trials_in(folder: Path, spec: ModelSpec) -> list[optuna.trial.FrozenTrial]:
    name = study_name(spec, SHA256)
    return optuna.load_study(study_name=name, storage=JournalStorage(JournalFileBackend(str(folder / f"{name}.journal")))).trials


@pytest.fixture
def grid(heart: ModelSpec) -> ModelSpec:
    """One good value of C, and six so strongly penalised that the answer hardly depends on the row."""
    values = CategoricalDistribution([1.0, 1e-7, 2e-7, 3e-7, 4e-7, 5e-7, 6e-7])
    return replace(heart, search="grid", simplest=None, search_space={"C": values}, repeats=1)


def test_a_grid_visits_every_point_once_and_ends(grid: ModelSpec, rows: Rows, tmp_path: Path) -> None:
    tuned = tune(grid, rows, SHA256, 100, tmp_path)

    assert grid_points(grid) == 7
    assert sorted(trial.params["C"] for trial in trials_in(tmp_path, grid)) == sorted(grid.search_space["C"].choices)  # type: ignore[attr-defined]
    assert tuned.trials == 7
    assert tuned.parameters == {"C": 1.0}


def test_a_trial_that_its_first_folds_show_to_be_worse_is_given_up(grid: ModelSpec, rows: Rows, tmp_path: Path) -> None:
    tune(grid, rows, SHA256, 100, tmp_path)

    trials = trials_in(tmp_path, grid)
    pruned = [trial for trial in trials if trial.state == TrialState.PRUNED]
    assert pruned
    assert all(len(trial.intermediate_values) < grid.folds for trial in pruned)
    assert next(trial for trial in trials if trial.params["C"] == 1.0).state == TrialState.COMPLETE


def test_a_grid_of_a_range_is_refused(heart: ModelSpec) -> None:
    with pytest.raises(SpecError, match=r"a grid needs a list of values for each parameter; \['C'\] have none"):
        replace(heart, search="grid")


def test_two_processes_share_a_study_and_stop_at_the_number_wanted(heart: ModelSpec, rows: Rows, tmp_path: Path) -> None:
    quick = replace(heart, folds=2, repeats=1)
    told: list[tuple[int, int, float]] = []

    tuned = tune(quick, rows, SHA256, 6, tmp_path, lambda *progress: told.append(progress), jobs=2)

    trials = trials_in(tmp_path, quick)
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 6
    assert len({trial.params["C"] for trial in trials}) == 6  # no two processes drew the same
    assert [finished for finished, _, _ in told] == [1, 2, 3, 4, 5, 6]
    assert told[-1][2] == max(trial.value for trial in trials)
    assert tuned.trials == 6


def test_the_tuned_threshold_decides_the_labels_and_is_no_worse_on_the_training_rows(heart: ModelSpec, rows: Rows, tmp_path: Path) -> None:
    spec = replace(heart, metric="f1", tune_threshold=True, simplest=None, folds=3, repeats=1)

    tuned = tune(spec, rows, SHA256, 2, tmp_path)
    measured = measure(spec, rows, tuned)

    assert tuned.threshold is not None
    assert 0 < tuned.threshold < 1
    expected = [1 if probability >= tuned.threshold else 0 for probability in measured.probabilities[:, 1]]
    assert measured.labels == expected


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
    from slipway.bundle.compiling.compiled import Measured
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

    served = Preparer(describe_preparation(Measured(pipeline, None))).matrix(
        {each: rows.test[each].tolist() for each in spec.columns.names}
    )

    assert np.array_equal(served, np.asarray(matrix, dtype=np.float64))
    np.testing.assert_allclose(served[0, place], by_hand(rows.test.iloc[0]), rtol=1e-12)
