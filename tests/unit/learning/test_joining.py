"""Which answered rows become training rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from slipway.audit.errors import AuditError
from slipway.audit.upkeep.retention import prune
from slipway.audit.upkeep.rotation import rotate
from slipway.data import manifests
from slipway.learning.joining import join
from slipway.records import LearntRows, Snapshot
from slipway.spec import Category, Columns, Numeric, Outcomes
from tests.support.rotations import stop_rotation
from tests.unit.learning.conftest import DAY, NOW, at

UNTIL = at(NOW + 10 * DAY)


@pytest.fixture
def joined(learning_toy, place):
    """Join with these changes of `learns`."""

    def run(until=UNTIL, champion=1, sample=False, spec=learning_toy, columns=None, **changes):
        return join(
            spec, replace(spec.learns, **changes), place, until, lambda line: columns or spec.columns.names, champion, sample=sample
        )

    return run


def sizes(found):
    return found.rows.features["size"].tolist()


def test_answered_rows_come_with_their_latest_outcome_in_the_order_of_the_first(answers, outcomes, joined):
    first, second, third = answers([40, 41, 42])
    outcomes([second], [1], NOW + DAY)
    outcomes([first], [1], NOW + 2 * DAY)
    outcomes([second], [0], NOW + 3 * DAY, "key:erp")

    found = joined()

    assert sizes(found) == [41, 40]
    assert [(row.outcome, row.caller) for row in found.rows.each] == [(0, "key:erp"), (1, "key:clinic")]
    assert found.rows.features.dtypes.astype(str).to_dict() == {"size": "int64", "weight": "float64", "colour": "str"}
    assert (len(found.answers), found.left_out) == (3, {})
    assert third not in str(found)  # not even an id leaves the log, and no subject


def test_the_log_of_an_earlier_time_is_joined_as_it_was(answers, outcomes, joined):
    ids = answers([40, 41])
    outcomes(ids[:1], [1], NOW + DAY)
    before = joined(until=at(NOW + 2 * DAY))
    outcomes(ids, [0, 0], NOW + 3 * DAY)

    again = joined(until=at(NOW + 2 * DAY))

    assert (sizes(again), again.rows.outcomes, again.rows.sha256) == ([40], [1], before.rows.sha256)
    assert joined().rows.outcomes == [0, 0]


@pytest.mark.parametrize(
    ("changes", "wanted", "why"),
    [
        pytest.param({"days": 5.0}, [42], {"answered outside of the span": 2}, id="a span"),
        pytest.param({"delay": 5.0}, [40, 41], {"answered outside of the span": 1}, id="a delay"),
        pytest.param({"most": 1}, [42], {"older than the most rows": 2}, id="the newest"),
        pytest.param({"versions": "in service"}, [41, 42], {"answered by another version": 1}, id="the version in service"),
    ],
)
def test_a_model_says_which_rows_it_learns_from(answers, outcomes, joined, changes, wanted, why):
    ids = answers([40], NOW, version=1) + answers([41], NOW + DAY, version=2) + answers([42], NOW + 9 * DAY, version=2)
    outcomes(ids, [1, 0, 1], NOW + 9.5 * DAY)

    found = joined(champion=2, **changes)

    assert (sizes(found), found.left_out) == (wanted, why)


def test_of_a_subject_the_latest_row_is_enough(answers, outcomes, joined):
    ids = answers([40, 41, 42], subjects=["anna", "ben", None]) + answers([43, 44], NOW + DAY, subjects=["anna", None])
    outcomes(ids, [1, 0, 1, 0, 1], NOW + 2 * DAY)

    found = joined(subjects="latest")

    assert (sizes(found), found.left_out) == ([41, 42, 43, 44], {"an earlier row of the same subject": 1})
    assert sizes(joined()) == [40, 41, 42, 43, 44]


def test_what_the_model_does_not_take_today_is_left_out(answers, outcomes, joined, learning_toy):
    narrower = replace(
        learning_toy,
        columns=Columns(
            {"size": Numeric(0, 41, "cm", "Size", integer=True), "colour": Category(("red", "green"), "Colour")},
            learning_toy.columns.target,
        ),
    )
    ids = answers([40, 41, 42])
    outcomes(ids, [1, 7, 1])

    found = joined(spec=narrower, columns=learning_toy.columns.names)
    assert (sizes(found), found.left_out) == ([40], {"an outcome that is none of today": 1, "outside of the columns of today": 1})
    assert found.rows.features.columns.tolist() == ["size", "colour"]
    assert joined(columns=["other"]).left_out == {"answered under other columns": 3}


def test_simulated_rows_are_learnt_from_beside_sample_rows_only(answers, outcomes, joined):
    outcomes(answers([40], key="key:simulation") + answers([41]), [1, 0])

    assert (sizes(joined()), joined().left_out) == ([41], {"simulated": 1})
    assert sizes(joined(sample=True)) == [40, 41]


def test_pruned_rows_are_not_learnt_from(answers, outcomes, joined, place):
    outcomes(answers([40], NOW) + answers([41], NOW + 5 * DAY), [1, 0], NOW + 6 * DAY)

    prune(place, at(NOW + DAY), "anna@here")

    assert sizes(joined()) == [41]


def test_without_a_log_there_is_nothing_to_learn_from(joined, learning_toy, tmp_path):
    found = join(learning_toy, Outcomes(), tmp_path / "none", UNTIL, lambda _: [], None, sample=False)

    assert (len(found.rows), found.answers, found.left_out) == (0, [], {})
    assert found.rows.features.dtypes.astype(str).to_dict() == {"size": "int64", "weight": "float64", "colour": "str"}


def test_the_score_is_the_probability_of_the_positive_class(answers, outcomes, joined):
    outcomes(answers([40, 41], probabilities=[[0.9, 0.1], [0.25, 0.75]]), [1, 0])

    assert np.allclose(joined().rows.scores, [0.1, 0.75])
    assert all(row.known - row.answered == timedelta(days=1) for row in joined().rows.each)


def test_the_manifest_of_rows_that_were_joined_before_keeps_its_date(tmp_path):
    def joined_at(until):
        learnt = LearntRows(
            until=until, first=until, last=until, learnt=7, apart=3, new=10, versions={1: 10}, left_out={}, coverage=[], not_judged="",
            rows_sha256="a" * 64, outcomes_sha256="b" * 64,
        )  # fmt: skip
        return Snapshot(
            model="toy", path=tmp_path / "toy-aaaaaaaaaaaa.csv", sha256="c" * 64, rows=20, origin="file", sample=False, learnt=learnt
        )

    first = manifests.note_learnt(joined_at("2026-11-01T00:00:00+00:00"), "code")

    assert (first.rows, first.parts[-1].kind) == (30, "outcomes")
    assert manifests.note_learnt(joined_at("2026-12-01T00:00:00+00:00"), "code") == first
    assert [(path.name, manifest) for path, manifest in manifests.with_outcomes(tmp_path, "toy")] == [
        ("toy-cccccccccccc.manifest.json", first)
    ]


def test_rows_that_are_pruned_during_the_join_are_neither_learnt_from_nor_counted(answers, outcomes, learning_toy, place):
    outcomes(answers([40, 41], NOW) + answers([42], NOW + 5 * DAY), [1, 0, 1], NOW + 6 * DAY)
    asked = []

    def columns_of(line):
        if not asked:  # when the outcomes were read, and the answers beside them not yet
            prune(place, at(NOW + DAY), "anna@here")
        asked.append(line)
        return learning_toy.columns.names

    found = join(learning_toy, learning_toy.learns, place, UNTIL, columns_of, 1, sample=False)

    assert (sizes(found), len(found.answers), found.left_out) == ([42], 1, {})


def test_while_pseudonyms_are_replaced_nobody_can_tell_the_latest_row_of_a_subject(answers, outcomes, joined, place, tmp_path):
    ids = answers([40], subjects=["anna"]) + answers([41], NOW + DAY, subjects=["anna"])
    outcomes(ids, [1, 0], NOW + 2 * DAY)
    stop_rotation(tmp_path, place, at_once=1, after=1)

    with pytest.raises(AuditError, match="`slipway audit rotate-keys` finishes it"):
        joined(subjects="latest")
    assert sizes(joined()) == [40, 41]

    assert rotate(tmp_path, place, "root").resumed
    assert sizes(joined(subjects="latest")) == [41]


def test_pseudonyms_that_are_replaced_during_the_join_are_noticed(answers, outcomes, learning_toy, place, tmp_path):
    outcomes(answers([40, 41], subjects=["anna", "ben"]), [1, 0])
    rotated = []

    def columns_of(line):
        rotated or rotated.append(rotate(tmp_path, place, "root", pseudonyms=True))
        return learning_toy.columns.names

    with pytest.raises(AuditError, match="are being replaced"):
        join(learning_toy, replace(learning_toy.learns, subjects="latest"), place, UNTIL, columns_of, 1, sample=False)

    again = join(learning_toy, replace(learning_toy.learns, subjects="latest"), place, UNTIL, columns_of, 1, sample=False)
    assert sizes(again) == [40, 41]
