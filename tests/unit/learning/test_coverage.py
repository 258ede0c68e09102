"""How far the outcomes speak for all answers, and callers who contradict the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from slipway.learning.callers import contradicting
from slipway.learning.coverage import coverage, objection, weights
from slipway.learning.joining import AnsweredRow, AnsweredRows, Joined
from tests.unit.learning.conftest import at


def rows_of(answers, scores, outcomes=None, callers=None):
    features = pd.DataFrame({"size": range(len(answers)), "weight": [1.5] * len(answers), "colour": ["red"] * len(answers)})
    parts = zip(outcomes or answers, answers, scores, callers or ["key:clinic"] * len(answers), strict=True)
    return AnsweredRows(
        features, [AnsweredRow(outcome, answer, score, at(0), at(1), caller, 1) for outcome, answer, score, caller in parts]
    )


@pytest.fixture
def examined_if_ill():
    """1,000 answers: 200 are 1, and nine of ten of these have an outcome; of the 800 others one of twenty has."""
    answers, scores = [1] * 200 + [0] * 800, [0.9] * 200 + [0.1] * 800
    known = rows_of([1] * 180 + [0] * 40, [0.9] * 180 + [0.1] * 40)
    everyone = rows_of(answers, scores)
    return Joined(known, answers, scores, everyone.features)


def test_the_share_with_an_outcome_is_said_for_each_answer_band_and_slice(learning_toy, examined_if_ill):
    found = coverage(replace(learning_toy, slices={"colour": (), "size": (99.5,)}), examined_if_ill)

    assert {one.part: (one.answers, one.outcomes) for one in found} == {
        "answer 1": (200, 180),
        "answer 0": (800, 40),
        "score up to 0.1": (800, 40),
        "score above 0.1": (200, 180),
        "colour = red": (1_000, 220),
        "size < 99.5": (100, 100),
        "size >= 99.5": (900, 120),
    }


def test_where_few_answers_have_an_outcome_they_do_not_judge(learning_toy, examined_if_ill):
    found = coverage(learning_toy, examined_if_ill)

    assert objection(replace(learning_toy.learns, coverage=0.1), found) == (
        "too few answers have an outcome (40 of 800 with the answer 0; at least 10% are needed)"
    )
    assert objection(replace(learning_toy.learns, coverage=0.05), found) == ""


def test_weighting_makes_up_for_outcomes_that_depend_on_the_answer(examined_if_ill):
    """The share of answers that are 1 is .2 of all, .82 of those with an outcome, and .2 again with their weights."""
    found = weights(examined_if_ill, examined_if_ill.rows)

    ones = np.array([answer == 1 for answer in examined_if_ill.rows.answers])
    assert found.mean() == pytest.approx(1)
    assert ones.mean() == pytest.approx(180 / 220)
    assert np.average(ones, weights=found) == pytest.approx(0.2)


def test_one_row_does_not_stand_for_more_than_25_others(examined_if_ill):
    rare = Joined(rows_of([1] * 199 + [0], [0.9] * 199 + [0.1]), examined_if_ill.answers, examined_if_ill.scores, examined_if_ill.features)

    found = weights(rare, rare.rows)

    assert found.max() == pytest.approx(25 * np.median(found))


def test_a_caller_whose_outcomes_contradict_the_answers_is_named(learning_toy):
    """Ten of a hundred outcomes are the opposite of the truth, and all of one caller."""
    right = [index % 2 for index in range(1_000)]
    wrong = [1 - answer if index % 10 == 3 else answer for index, answer in enumerate(right)]
    callers = ["key:ward" if index % 10 == 3 else "key:clinic" for index in range(1_000)]

    (found,) = contradicting(learning_toy, rows_of(right, [0.5] * 1_000, wrong, callers))

    assert found.words == (
        "key:ward sent 100 of the outcomes (10%), and 100% of them contradict the answers; of the others' outcomes 0% do"
    )


def test_callers_who_differ_by_chance_or_all_alike_are_not_named(learning_toy):
    generator = np.random.default_rng(0)
    answers = [1] * 600
    for share in (0.1, 0.6):  # as always, or after the world has changed: for all alike
        outcomes = (generator.random(600) > share).astype(int).tolist()
        callers = [f"key:{index % 5}" for index in range(600)]
        assert contradicting(learning_toy, rows_of(answers, [0.5] * 600, outcomes, callers)) == []
