"""Of the rows that were served, those count that both versions answered, whichever of the two the caller got."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from slipway.monitoring.served_pairs import compare_served
from slipway.spec import ClassLabel, ModelSpec

CHAMPION, CHALLENGER = 3, 5


@dataclass(frozen=True)
class Said:
    version: int
    label: ClassLabel
    probabilities: tuple[float, float]


@dataclass(frozen=True)
class Row:
    line: Said
    outcome: ClassLabel
    shadow: Said | None


def said(version: int, label: int) -> Said:
    return Said(version, label, (0.2, 0.8) if label else (0.8, 0.2))


def row(outcome: int, champion: int, challenger: int, answered: int = CHAMPION) -> Row:
    theirs, ours = said(CHAMPION, champion), said(CHALLENGER, challenger)
    return Row(theirs, outcome, ours) if answered == CHAMPION else Row(ours, outcome, theirs)


def test_rows_count_whichever_of_the_two_answered(toy: ModelSpec) -> None:
    known = [row(1, champion=0, challenger=1), row(0, champion=0, challenger=0, answered=CHALLENGER)] * 40
    known += [row(1, champion=0, challenger=1, answered=CHALLENGER)] * 10

    found = compare_served(toy, known, champion=CHAMPION, challenger=CHALLENGER)

    assert found is not None
    assert (found.rows, found.only_challenger_right, found.only_champion_right) == (90, 50, 0)
    assert (found.accuracy.champion, found.accuracy.challenger) == pytest.approx((40 / 90, 1.0))
    assert found.repeated
    assert found.verdict == "challenger better"


def test_rows_that_only_one_of_them_or_another_version_answered_are_passed_over(toy: ModelSpec) -> None:
    alone = Row(said(CHAMPION, 1), 1, None)
    earlier = Row(said(2, 1), 1, said(CHALLENGER, 1))
    other = Row(said(CHAMPION, 1), 1, said(4, 1))

    assert compare_served(toy, [alone, earlier, other], champion=CHAMPION, challenger=CHALLENGER) is None
    found = compare_served(toy, [alone, earlier, row(1, champion=1, challenger=1), other], champion=CHAMPION, challenger=CHALLENGER)

    assert found is not None
    assert found.rows == 1
