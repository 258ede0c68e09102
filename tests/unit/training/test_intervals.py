"""Weighted figures are scikit-learn's, and intervals are as wide as theory says."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from slipway.problems.training import Evaluation
from slipway.spec import Target
from slipway.training.evidence.intervals import LEVEL, bootstrap, interval, intervals

TWO = Target("ill", {0: "no", 1: "yes"}, positive=1)
THREE = Target("fate", {"drop": "a", "enrol": "b", "grad": "c"})


def answers(target: Target, rows: int, seed: int = 1) -> Evaluation:
    """Evaluation that are better than chance, with many equal probabilities."""
    generator, size = np.random.default_rng(seed), len(target.labels)
    truth = generator.integers(size, size=rows)
    scores = np.round(generator.dirichlet(np.ones(size), size=rows), 1) + 0.5 * np.eye(size)[truth] + 0.01
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    labels = [target.labels[at] for at in probabilities.argmax(axis=1)]
    return Evaluation(target, [target.labels[at] for at in truth], labels, probabilities)


@pytest.fixture(params=[TWO, THREE], ids=["two classes", "three classes"])
def said(request: pytest.FixtureRequest) -> Evaluation:
    return answers(request.param, 150)


def test_with_every_row_once_the_figures_are_those_that_were_measured(said: Evaluation) -> None:
    figures = said.weighted().figures(np.ones(150))

    assert figures == pytest.approx(Evaluation(said.target, said.truth, said.labels, said.probabilities).figures())
    assert {name: said.weighted().figure(name, np.ones(150)) for name in figures} == figures


def test_rows_that_count_several_times_or_not_at_all_count_as_if_they_were_repeated(said: Evaluation) -> None:
    weights = np.random.default_rng(2).integers(0, 4, size=150)
    places = np.repeat(np.arange(150), weights)
    repeated: Any = ([said.truth[at] for at in places], [said.labels[at] for at in places], said.probabilities[places])

    assert said.weighted().figures(weights.astype(float)) == pytest.approx(Evaluation(said.target, *repeated).figures())


@pytest.mark.parametrize(("name", "theirs"), [("roc_auc", metrics.roc_auc_score), ("average_precision", metrics.average_precision_score)])
def test_areas_are_scikit_learns_under_broken_weights_and_ties(name: str, theirs: Callable[..., float]) -> None:
    said, weights = answers(TWO, 300), np.random.default_rng(3).random(300)
    assert len(set(said.positive)) < 100  # there are ties

    assert said.weighted().figures(weights)[name] == pytest.approx(theirs(said.is_positive, said.positive, sample_weight=weights))


def test_what_rows_of_one_class_do_not_define_is_not_a_number_and_warns_nobody() -> None:
    said = Evaluation(TWO, [0, 0], [0, 0], np.array([[0.9, 0.1], [0.8, 0.2]]))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = said.weighted().figures(np.ones(2))

    assert figures["accuracy"] == 1.0
    assert all(math.isnan(figures[name]) for name in ("recall", "precision", "f1", "roc_auc"))
    assert "roc_auc" not in bootstrap(said, seed=1)


def test_wilsons_interval_is_the_one_of_the_formula() -> None:
    said = Evaluation(TWO, [1] * 10, [1] * 8 + [0] * 2, np.full((10, 2), 0.5))

    # z = 1.96: (0.8 + z^2/20 -+ z sqrt(0.8 * 0.2 / 10 + z^2/400)) / (1 + z^2/10) = (0.9921 -+ 0.3135) / 1.3841
    assert said.exact_intervals(LEVEL)["accuracy"] == pytest.approx((0.490, 0.943), abs=1e-3)


def test_a_bootstrap_of_a_mean_is_as_wide_as_its_standard_error_says() -> None:
    said = answers(TWO, 2_000)

    low, high = bootstrap(said, seed=5)["accuracy"]

    share = np.mean([true == answer for true, answer in zip(said.truth, said.labels, strict=True)])
    assert (low + high) / 2 == pytest.approx(share, abs=0.003)
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(share * (1 - share) / 2_000), rel=0.1)


def test_every_measured_figure_has_an_interval_around_it_the_same_each_time(said: Evaluation) -> None:
    found = intervals(said, seed=7)

    figures = Evaluation(said.target, said.truth, said.labels, said.probabilities).figures()
    assert set(found) == set(figures)
    assert all(low <= figures[name] <= high for name, (low, high) in found.items())
    assert found == intervals(said, seed=7)
    assert interval("f1_macro", said, seed=7) == found["f1_macro"]
    assert interval("accuracy", said, seed=7) == found["accuracy"] == said.exact_intervals(LEVEL)["accuracy"]
