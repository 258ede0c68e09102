"""Of the served rows, those count that both versions answered, whichever answer the caller got."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from slipway.monitoring.served_pairs import compare_served
from slipway.spec import ClassLabel, ModelSpec

CHAMPION, CHALLENGER = 3, 5


@dataclass(frozen=True)
class Answer:
    version: int
    label: ClassLabel
    probabilities: tuple[float, float]


@dataclass(frozen=True)
class Row:
    line: Answer
    outcome: ClassLabel
    shadow: Answer | None


def answer(version: int, label: int) -> Answer:
    return Answer(version, label, (0.2, 0.8) if label else (0.8, 0.2))


def row(outcome: int, champion: int, challenger: int, answered: int = CHAMPION) -> Row:
    theirs, ours = answer(CHAMPION, champion), answer(CHALLENGER, challenger)
    return Row(theirs, outcome, ours) if answered == CHAMPION else Row(ours, outcome, theirs)


def test_rows_count_whichever_version_answered(toy: ModelSpec) -> None:
    known = [row(1, champion=0, challenger=1), row(0, champion=0, challenger=0, answered=CHALLENGER)] * 40
    known += [row(1, champion=0, challenger=1, answered=CHALLENGER)] * 10

    found = compare_served(toy, known, champion=CHAMPION, challenger=CHALLENGER)

    assert found is not None
    assert (found.rows, found.only_challenger_right, found.only_champion_right) == (90, 50, 0)
    assert (found.accuracy.champion, found.accuracy.challenger) == pytest.approx((40 / 90, 1.0))
    assert found.repeated
    assert found.verdict == "challenger better"


def test_rows_of_one_version_only_or_of_other_versions_are_ignored(toy: ModelSpec) -> None:
    alone = Row(answer(CHAMPION, 1), 1, None)
    earlier = Row(answer(2, 1), 1, answer(CHALLENGER, 1))
    other = Row(answer(CHAMPION, 1), 1, answer(4, 1))

    assert compare_served(toy, [alone, earlier, other], champion=CHAMPION, challenger=CHALLENGER) is None
    found = compare_served(toy, [alone, earlier, row(1, champion=1, challenger=1), other], champion=CHAMPION, challenger=CHALLENGER)

    assert found is not None
    assert found.rows == 1
