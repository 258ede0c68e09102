"""How right the answers were by their outcomes, and when that is worse than at registration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from slipway.monitoring.performance import fall, measure, registered
from slipway.problems.classification.evaluation import Evaluation
from slipway.spec import Gate, ModelSpec

RIGHT_AT_REGISTRATION = 0.9


def answers(spec: ModelSpec, rows: int, right: float) -> Evaluation:
    """So many rows, half of each class, and that share of the answers right in both."""
    truth = [row % 2 for row in range(rows)]
    wrong_from = round(rows * right)
    labels = [label if row < wrong_from else 1 - label for row, label in enumerate(truth)]
    return Evaluation(spec.columns.target, truth, labels, np.array([[0.8, 0.2] if label == 0 else [0.2, 0.8] for label in labels]))


def rows_of(number: int) -> pd.DataFrame:
    colours = ["red", "blue"]
    return pd.DataFrame({"size": [1] * number, "weight": [1.0] * number, "colour": [colours[row % 4 // 2] for row in range(number)]})


def measured(spec: ModelSpec, rows: int, right: float, tests: int = 200, **more):
    return measure(
        spec,
        rows_of(rows),
        answers(spec, rows, right),
        registered(spec, rows_of(tests), answers(spec, tests, RIGHT_AT_REGISTRATION)),
        **more,
    )


def test_figures_are_those_of_the_outcomes(toy):
    found = measured(toy, 500, 0.88)

    assert (found.metric, found.figure, found.registered, found.hits, found.misses) == ("accuracy", 0.88, 0.9, 440, 60)
    assert found.metrics["accuracy"] == 0.88
    assert np.sum(found.confusion_matrix) == 500
    assert np.trace(found.confusion_matrix) == 440
    assert found.low < 0.88 < found.high


@pytest.mark.parametrize(
    ("rows", "right", "worse"),
    [
        (500, 0.90, False),
        (500, 0.86, False),  # chance in the test rows alone reaches so far
        (500, 0.78, True),
        (50, 0.84, False),
        (5_000, 0.95, False),
    ],
)
def test_a_fall_that_chance_explains_is_not_worse(toy, rows, right, worse):
    assert measured(toy, rows, right).worse is worse


def test_more_test_rows_let_a_smaller_fall_be_seen(toy):
    assert not measured(toy, 2_000, 0.86).worse
    assert measured(toy, 2_000, 0.86, tests=5_000).worse


def test_the_tolerance_of_the_gate_is_no_fall(toy):
    lenient = replace(toy, gate=Gate(floor=0.5, tolerance=0.1))

    assert measured(toy, 500, 0.78).worse
    assert not measured(lenient, 500, 0.78).worse


def test_a_figure_is_below_the_floor_only_if_chance_does_not_explain_it(toy):
    spec = replace(toy, gate=Gate(floor=0.85, sample_floor=0.7))

    assert not measured(spec, 500, 0.84).below_floor
    assert measured(spec, 500, 0.80).below_floor
    assert not measured(spec, 500, 0.80, sample=True).below_floor
    assert measured(spec, 500, 0.80, sample=True).floor == 0.7


def test_each_slice_has_its_own_figure(toy):
    found = measured(replace(toy, slices={"colour": ()}), 400, 0.8)

    assert [(part.name, part.rows) for part in found.slices] == [("colour = red", 200), ("colour = blue", 200)]
    assert all(part.low <= part.figure <= part.high for part in found.slices)
    assert [part.registered for part in found.slices] == [0.9, 0.9]


def test_only_the_slice_that_fell_is_worse(toy):
    spec = replace(toy, slices={"colour": ()})
    features, right = rows_of(400), answers(spec, 400, 1.0)
    blue = features["colour"] == "blue"
    labels = [1 - label if wrong and row % 8 < 4 else label for row, (label, wrong) in enumerate(zip(right.labels, blue, strict=True))]

    found = measure(spec, features, replace(right, labels=labels), registered(spec, rows_of(200), answers(spec, 200, 0.95)))

    assert [(part.name, part.figure, part.worse) for part in found.slices] == [("colour = red", 1.0, False), ("colour = blue", 0.5, True)]


def test_outcomes_of_one_class_alone_are_measured(toy):
    one = Evaluation(toy.columns.target, [1] * 20, [1] * 19 + [0], np.array([[0.2, 0.8]] * 19 + [[0.8, 0.2]]))

    found = measure(toy, rows_of(20), one, registered(toy, rows_of(200), answers(toy, 200, 0.9)))

    assert found.figure == 0.95
    assert "roc_auc" not in found.metrics
    by_area = replace(toy, metric="roc_auc")
    assert measure(by_area, rows_of(20), one, registered(by_area, rows_of(200), answers(toy, 200, 0.9))) is None


def test_the_interval_of_a_fall_is_newcombes():
    # Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17 (1998), table II (a):
    # 56/70 against 48/80, method 10: .0524 to .3339
    low, high = fall(56 / 70, (0.6918, 0.8770), 48 / 80, (0.4904, 0.7004))

    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=2e-4)
