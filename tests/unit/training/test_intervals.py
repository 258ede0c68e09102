"""Intervals are as wide as theory says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from slipway.problems.classification.evaluation import Evaluation
from slipway.training.evidence.intervals import LEVEL, bootstrap, interval, intervals
from tests.support.evaluations import THREE, TWO, answers


@pytest.fixture(params=[TWO, THREE], ids=["two classes", "three classes"])
def evaluation(request: pytest.FixtureRequest) -> Evaluation:
    return answers(request.param, 150)


def test_a_figure_that_no_resample_defines_has_no_interval() -> None:
    of_one_class = Evaluation(TWO, [0, 0], [0, 0], np.array([[0.9, 0.1], [0.8, 0.2]]))

    assert "roc_auc" not in bootstrap(of_one_class, seed=1)


def test_a_bootstrap_of_a_mean_is_as_wide_as_its_standard_error_says() -> None:
    evaluation = answers(TWO, 2_000)

    low, high = bootstrap(evaluation, seed=5)["accuracy"]

    share = np.mean([true == answer for true, answer in zip(evaluation.truth, evaluation.labels, strict=True)])
    assert (low + high) / 2 == pytest.approx(share, abs=0.003)
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(share * (1 - share) / 2_000), rel=0.1)


def test_every_measured_figure_has_an_interval_around_it_the_same_each_time(evaluation: Evaluation) -> None:
    found = intervals(evaluation, seed=7)

    figures = evaluation.figures()
    assert set(found) == set(figures)
    assert all(low <= figures[name] <= high for name, (low, high) in found.items())
    assert found == intervals(evaluation, seed=7)
    assert interval("f1_macro", evaluation, seed=7) == found["f1_macro"]
    assert interval("accuracy", evaluation, seed=7) == found["accuracy"] == evaluation.exact_intervals(LEVEL)["accuracy"]
