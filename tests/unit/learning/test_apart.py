"""No row that judges was ever learnt from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from slipway.errors import SpecError
from slipway.learning.apart import added, divide
from slipway.learning.joining import AnsweredRow, AnsweredRows
from slipway.spec import Outcomes, Split
from slipway.training.seen_rows import hashes, learnt
from tests.unit.learning.conftest import at


def rows_of(sizes, outcomes=None):
    """Rows whose outcomes came one a second, in this order."""
    features = pd.DataFrame({"size": np.array(sizes, dtype=np.int64), "weight": [1.5] * len(sizes), "colour": ["red"] * len(sizes)})
    given = outcomes or [size % 2 for size in sizes]
    each = [AnsweredRow(outcome, 1, 0.75, at(second), at(second), "key:clinic", 1) for second, outcome in enumerate(given)]
    return AnsweredRows(features, each)


def test_the_newest_share_judges_and_the_others_are_learnt_from(learning_toy, data_rows):
    divided = divide(learning_toy, learning_toy.learns, data_rows, rows_of(range(40, 50)))

    assert divided.learnt.features["size"].tolist() == [40, 41, 42, 43, 44, 45, 46]
    assert divided.apart.features["size"].tolist() == [47, 48, 49]


def test_no_more_rows_judge_than_are_needed(learning_toy, data_rows):
    divided = divide(learning_toy, replace(learning_toy.learns, most_apart=2), data_rows, rows_of(range(40, 50)))

    assert divided.apart.features["size"].tolist() == [48, 49]


def test_a_row_like_one_that_judges_is_not_learnt_from(learning_toy, data_rows):
    found = rows_of([40, 41, 42, 49, 43, 44, 45, 48, 49, 50])
    found.features.loc[0, ["size", "weight"]] = [20, 0.5]  # as the first test row

    divided = divide(learning_toy, learning_toy.learns, data_rows, found)

    assert (divided.learnt.features["size"].tolist(), divided.both) == ([41, 42, 43, 44, 45], 2)


def test_rows_of_the_log_join_those_of_the_data_set(learning_toy, data_rows):
    divided = divide(learning_toy, learning_toy.learns, data_rows, rows_of(range(40, 50)))

    rows = added(learning_toy, data_rows, divided, None, np.array([0.5, 1.0, 1.5]))

    assert (len(rows.train), rows.train["size"].tolist()[-1], rows.train_labels.tolist()[-1]) == (27, 46, 0)
    assert rows.train.dtypes.equals(data_rows.train.dtypes)
    assert (rows.test is data_rows.test, rows.train_weights) == (True, None)
    assert (rows.recent.features["size"].tolist(), rows.recent.labels.tolist()) == ([47, 48, 49], [1, 0, 1])
    assert rows.recent.weights.tolist() == [0.5, 1.0, 1.5]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    releases=st.lists(
        st.tuples(st.lists(st.integers(30, 60), max_size=12), st.integers(0, 6), st.booleans()),  # new rows, old ones pruned, promoted
        min_size=1,
        max_size=25,
    ),
    share=st.floats(0.05, 0.9),
)
@pytest.mark.slow
def test_over_any_history_no_judged_row_was_learnt_from(learning_toy, data_rows, releases, share):
    """Rows come again, old ones are pruned, candidates are refused or promoted: what judges two versions, neither has learnt from."""
    learns, sizes, first = Outcomes(apart=share, enough=1), [], 0
    champion = learnt(data_rows.train)
    ever_learnt: set[int] = set()  # by when the outcome came
    for new, pruned, promoted in releases:
        sizes += new
        first = min(len(sizes), first + pruned)
        found = rows_of(sizes[first:])
        divided = divide(learning_toy, learns, data_rows, found)
        rows = added(learning_toy, data_rows, divided, None, np.ones(len(divided.apart)))

        candidate = learnt(rows.train)
        of_log = hashes(divided.learnt.features)
        assert not np.isin(of_log, hashes(divided.apart.features)).any()
        assert not np.isin(of_log, hashes(data_rows.test)).any()
        places = {first + int(row.known.timestamp()) for row in divided.apart.each}
        assert not places & ever_learnt  # the border only moves forward
        ever_learnt |= {first + int(row.known.timestamp()) for row in divided.learnt.each}
        if promoted:
            champion = candidate
        assert set(champion) <= set(learnt(data_rows.train)) | {int(one) for one in hashes(rows_of(sizes).features)}


def test_a_split_by_groups_cannot_place_rows_of_the_log(toy):
    with pytest.raises(SpecError, match="toy: learns: rows of the log have no 'id', so a split by groups cannot place them"):
        replace(toy, split=Split(test=0.25, seed=1, stratify=True, group="id"), learns=Outcomes())


def test_weights_need_an_estimator_that_takes_them(toy):
    changes = {"estimator": KNeighborsClassifier(), "search_space": {}}
    with pytest.raises(SpecError, match=r"toy: learns: KNeighborsClassifier takes no weights of rows, so weight=2\.0 and"):
        replace(toy, learns=Outcomes(weight=2.0), **changes)
    assert replace(toy, learns=Outcomes(), **changes).learns


@pytest.mark.parametrize(
    ("nonsense", "message"),
    [
        ({"days": 0.0}, "learns: days=0.0 must be a number above 0"),
        ({"weight": float("nan")}, "learns: weight=nan must be a number above 0"),
        ({"delay": -1.0}, "learns: delay=-1.0 must be a number of days from 0 up"),
        ({"days": 3.0, "delay": 3.0}, "learns: delay=3 leaves none of the last 3 days"),
        ({"apart": 1.0}, "learns: apart=1.0 must be a share between 0 and 1"),
        ({"coverage": 1.5}, "learns: coverage=1.5 must be a share from 0 to 1"),
        ({"most_apart": 0}, "learns: most_apart=0 must be a number of rows"),
        ({"fall": -0.1}, "learns: fall=-0.1 must not be negative"),
    ],
)
def test_learning_that_makes_no_sense_is_refused(nonsense, message):
    with pytest.raises(SpecError, match=message):
        Outcomes(**nonsense)
