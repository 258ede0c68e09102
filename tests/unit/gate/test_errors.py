"""A metric that is an error is judged the other way round, by the gate and by the watch: lower is better, and the words say so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from slipway.gate import Champion, Comparison, judge
from slipway.gate.slices import Level, differences, levels
from slipway.monitoring import performance
from slipway.problems.regression.evaluation import QuantityEvaluation
from slipway.records import Candidate, Rule, Verdict
from slipway.spec import Gate, ModelSpec
from tests.support.progression import patients, progression

METRIC = "mean_absolute_error"


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    return progression(tmp_path, gate=Gate(floor=50.0, tolerance=1.0, slice_tolerance=5.0, slice_floor=60.0))


def candidate(spec: ModelSpec, error: float) -> Candidate:
    return Candidate(
        model=spec.name,
        registered_as=spec.registered_as,
        version=2,
        run_id="2" * 32,
        bundle="",
        metrics={METRIC: error},
        confusion_matrix=[],
        data_sha256=spec.dataset.sha256,
        sample=False,
    )


def answers(spec: ModelSpec, rows: pd.DataFrame, errors: Any) -> QuantityEvaluation:
    truth = rows["target"].to_numpy(dtype=float)
    signs = np.where(np.arange(len(truth)) % 2, 1.0, -1.0)
    predicted = truth + signs * errors
    return QuantityEvaluation(spec.columns.target, truth.tolist(), predicted.tolist(), np.column_stack([predicted - 80, predicted + 80]))


def rule(verdict: Verdict, name: str) -> Rule:
    (found,) = [rule for rule in verdict.rules if rule.name == name]
    return found


@pytest.mark.parametrize(
    ("error", "passed", "words"),
    [(50.0, True, "50.0000 is at most the floor 50.0000"), (50.1, False, "50.1000 is above the floor 50.0000")],
)
def test_the_floor_is_the_largest_accepted_error(spec: ModelSpec, error: float, passed: bool, words: str) -> None:
    found = rule(judge(spec, candidate(spec, error), None), "floor")

    assert (found.passed, found.reason) == (passed, f"{METRIC} {words}")


@pytest.mark.parametrize(("error", "passed", "word"), [(40.0, True, "no worse"), (45.9, True, "no worse"), (46.1, False, "worse")])
def test_a_candidate_may_have_a_larger_error_than_the_champion_within_the_tolerance(
    spec: ModelSpec, error: float, passed: bool, word: str
) -> None:
    champion = Champion(1, {METRIC: 45.0}, False, Comparison(100, 0, {METRIC: error}, {METRIC: 45.0}))

    found = rule(judge(spec, candidate(spec, error), champion), "champion")

    assert found.passed is passed
    assert found.reason.startswith(f"{METRIC} {error:.4f} is {word} than champion version 1 with 45.0000 on the same 100 rows")


def test_a_slice_fails_if_its_whole_interval_is_above_the_slice_floor(spec: ModelSpec) -> None:
    parts = [Level("young", 60, 70.0, 60.1), Level("old", 60, 70.0, 59.9)]

    found = rule(judge(spec, candidate(spec, 45.0), None, None, parts), "slice floor")

    assert not found.passed
    assert found.reason == f"{METRIC} is above the slice floor 60.0000, beyond chance (95%): young (70.0000 on 60 rows)"


def test_slices_are_compared_by_how_much_larger_the_error_is(spec: ModelSpec) -> None:
    rows = patients()
    young = (rows["age"] < 40).to_numpy()
    theirs, ours = answers(spec, rows, 40.0), answers(spec, rows, np.where(young, 60.0, 20.0))

    first, *others = differences(spec, rows, ours, theirs)
    level, *_ = levels(spec, rows, ours)

    assert (first.name, first.ours, first.theirs, first.worse) == ("age < 40", pytest.approx(60), pytest.approx(40), pytest.approx(20))
    assert first.least == pytest.approx(20)
    assert all(part.worse == pytest.approx(-20) and np.isnan(part.least) for part in others)
    assert (level.figure, level.best) == (pytest.approx(60), pytest.approx(60))


@pytest.mark.parametrize(
    ("error", "worse", "below_floor"), [(42.0, False, False), (30.0, False, False), (49.0, True, False), (70.0, True, True)]
)
def test_outcomes_show_an_error_that_rose_and_one_above_the_floor(spec: ModelSpec, error: float, worse: bool, below_floor: bool) -> None:
    rows = patients()
    before = performance.registered(spec, rows, answers(spec, rows, 42.0))

    found = performance.measure(spec, rows, answers(spec, rows, error), before)

    assert found
    assert (found.figure, found.registered, found.lower_is_better) == (pytest.approx(error), pytest.approx(42.0), True)
    assert (found.worse, found.below_floor) == (worse, below_floor)
    assert (found.hits, found.misses, found.confusion_matrix) == (len(rows), 0, [])  # all within 80 of the prediction
    assert found.metrics["interval_coverage"] == 1.0


def test_rising_metrics_of_numbers_are_judged_as_those_of_classes(spec: ModelSpec) -> None:
    rising = replace(spec, metric="r2", gate=Gate(floor=0.4))
    low = candidate(spec, 45.0).model_copy(update={"metrics": {"r2": 0.3}})

    assert rule(judge(rising, low, None), "floor").reason == "r2 0.3000 is below the floor 0.4000"
