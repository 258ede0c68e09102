"""Figures of a classifier are those worked out by hand, and those of scikit-learn under any weights."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from slipway.problems.classification.evaluation import Evaluation
from slipway.spec import Target
from tests.support.evaluations import THREE, TWO, answers


@pytest.fixture(params=[TWO, THREE], ids=["two classes", "three classes"])
def answered(request: pytest.FixtureRequest) -> Evaluation:
    return answers(request.param, 150)


def test_figures_of_two_classes_are_those_worked_out_by_hand() -> None:
    target = Target("ill", {0: "well", 1: "ill"}, positive=1)
    truth = [0, 0, 0, 1, 1, 1, 1, 1]
    ill = np.array([0.1, 0.2, 0.8, 0.3, 0.6, 0.7, 0.9, 0.9])
    answers = [0, 0, 1, 0, 1, 1, 1, 1]

    figures = Evaluation(target, truth, answers, np.column_stack([1 - ill, ill])).figures()

    assert Evaluation(target, truth, answers, np.empty((0, 0))).confusion() == [[2, 1], [1, 4]]
    assert figures == pytest.approx(
        {
            "accuracy": 6 / 8,
            "balanced_accuracy": (2 / 3 + 4 / 5) / 2,  # recall of each class
            "precision": 4 / 5,  # of 5 called ill
            "recall": 4 / 5,  # of 5 who are ill
            "f1": 4 / 5,
            "f1_macro": (2 / 3 + 4 / 5) / 2,  # well: precision 2/3, recall 2/3
            "neg_log_loss": sum(map(math.log, [0.9, 0.8, 0.2, 0.3, 0.6, 0.7, 0.9, 0.9])) / 8,  # of the true class
            "roc_auc": 12 / 15,  # of 3 x 5 pairs, 0.8 stands above 0.3, 0.6 and 0.7 wrongly
            # going down: two ill at 0.9 (precision 1), one well, then ill at precision 3/4, 4/5 and 5/6; each a fifth of the ill
            "average_precision": (1 + 1 + 3 / 4 + 4 / 5 + 5 / 6) / 5,
        }
    )


def test_figures_of_three_classes_are_those_worked_out_by_hand() -> None:
    target = Target("grade", {"a": "A", "b": "B", "c": "C"})
    truth, answers = list("aabbcc"), list("abbbca")
    probabilities = np.array([[8, 1, 1], [3, 6, 1], [2, 7, 1], [1, 5, 4], [1, 2, 7], [5, 1, 4]]) / 10

    figures = Evaluation(target, truth, answers, probabilities).figures()

    assert Evaluation(target, truth, answers, np.empty((0, 0))).confusion() == [[1, 1, 0], [0, 2, 0], [1, 0, 1]]
    assert figures == pytest.approx(
        {
            "accuracy": 4 / 6,
            "balanced_accuracy": (1 / 2 + 1 + 1 / 2) / 3,  # recall of each class
            # a: precision 1/2, recall 1/2; b: 2/3 and 1; c: 1 and 1/2; each f1 = 2 p r / (p + r)
            "f1_macro": (1 / 2 + 4 / 5 + 2 / 3) / 3,
            "neg_log_loss": sum(map(math.log, [0.8, 0.3, 0.7, 0.5, 0.7, 0.4])) / 6,  # of the true class
            # each class against the rest, 2 x 4 pairs. a: 0.5 above 0.3, 7/8; b: 0.6 above 0.5, 7/8; c: 0.4 ties with 0.4, 7.5/8
            "roc_auc_ovr": (7 + 7 + 7.5) / 24,
        }
    )


def test_a_model_that_never_says_yes_has_precision_zero_rather_than_no_figure() -> None:
    target = Target("ill", {0: "well", 1: "ill"}, positive=1)

    figures = Evaluation(target, [0, 1], [0, 0], np.array([[0.9, 0.1], [0.6, 0.4]])).figures()

    assert (figures["precision"], figures["recall"], figures["f1"]) == (0, 0, 0)


def test_with_every_row_once_the_figures_are_those_that_were_measured(answered: Evaluation) -> None:
    figures = answered.weighted().figures(np.ones(150))

    assert figures == pytest.approx(answered.figures())
    assert {name: answered.weighted().figure(name, np.ones(150)) for name in figures} == figures


def test_rows_that_count_several_times_or_not_at_all_count_as_if_they_were_repeated(answered: Evaluation) -> None:
    weights = np.random.default_rng(2).integers(0, 4, size=150)
    places = np.repeat(np.arange(150), weights)
    repeated: Any = ([answered.truth[at] for at in places], [answered.labels[at] for at in places], answered.probabilities[places])

    assert answered.weighted().figures(weights.astype(float)) == pytest.approx(Evaluation(answered.target, *repeated).figures())


@pytest.mark.parametrize(("name", "theirs"), [("roc_auc", metrics.roc_auc_score), ("average_precision", metrics.average_precision_score)])
def test_areas_are_scikit_learns_under_broken_weights_and_ties(name: str, theirs: Callable[..., float]) -> None:
    answered, weights = answers(TWO, 300), np.random.default_rng(3).random(300)
    assert len(set(answered.positive)) < 100  # there are ties

    assert answered.weighted().figures(weights)[name] == pytest.approx(
        theirs(answered.is_positive, answered.positive, sample_weight=weights)
    )


def test_what_rows_of_one_class_do_not_define_is_not_a_number_and_warns_nobody() -> None:
    answered = Evaluation(TWO, [0, 0], [0, 0], np.array([[0.9, 0.1], [0.8, 0.2]]))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = answered.weighted().figures(np.ones(2))

    assert figures["accuracy"] == 1.0
    assert all(math.isnan(figures[name]) for name in ("recall", "precision", "f1", "roc_auc"))


def test_wilsons_interval_is_the_one_of_the_formula() -> None:
    answered = Evaluation(TWO, [1] * 10, [1] * 8 + [0] * 2, np.full((10, 2), 0.5))

    # z = 1.96: (0.8 + z^2/20 -+ z sqrt(0.8 * 0.2 / 10 + z^2/400)) / (1 + z^2/10) = (0.9921 -+ 0.3135) / 1.3841
    assert answered.exact_intervals(0.95)["accuracy"] == pytest.approx((0.490, 0.943), abs=1e-3)


def test_the_rows_of_a_mask_are_an_evaluation_of_their_own(answered: Evaluation) -> None:
    part = answered.only(np.arange(answered.rows) % 3 == 0)

    assert (part.rows, list(part.truth), list(part.labels)) == (50, list(answered.truth)[::3], list(answered.labels)[::3])
    assert part.probabilities.tolist() == answered.probabilities[::3].tolist()
    assert part.right.tolist() == answered.right[::3].tolist()
