"""When windows raise an alarm, as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from slipway.monitoring.findings import Alarm, ColumnDrift, DriftFinding, Performance, Window
from slipway.monitoring.policy import judge
from slipway.spec.watch import Watch

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
PLAN = Watch()


def window(letter: str, number: int) -> Window:
    """One window by a letter: `.` good, `D` drifted; `o` good outcomes, `C` worse, `F` below the floor and worse; `-` not judged,
    `S` drifted in a season.
    """
    outcomes = letter in "oCF"
    found = ColumnDrift(
        column="Age",
        distance_by="wasserstein",
        distance=0.3,
        threshold=0.1,
        test="ks",
        p_value=0.0,
        significance=0.001,
        drifted=letter in "DS",
    )
    performance = Performance(
        metric="accuracy",
        figure=0.8,
        low=0.7,
        high=0.85,
        registered=0.9,
        floor=0.86,
        hits=80,
        misses=20,
        worse=letter in "CF",
        below_floor=letter == "F",
        metrics={},
        confusion_matrix=[],
        slices=[],
    )
    return Window(
        model="toy",
        version=2,
        kind="outcomes" if outcomes else "served",
        number=number,
        rows=500,
        first=NOW - timedelta(hours=2),
        last=NOW - timedelta(hours=1),
        judged=letter != "-",
        reason=f"window {number}",
        season="carnival" if letter == "S" else None,
        drift=None if outcomes else DriftFinding(columns=[found], prediction=None, new={}, absent={}),
        performance=performance if outcomes else None,
    )


def windows(letters: str) -> list[Window]:
    return [window(letter, number) for number, letter in enumerate(letters, 1)]


def alarm(kind: str = "drift", days_ago: float = 30.0, number: int = 0, version: int = 2) -> Alarm:
    at = NOW - timedelta(days=days_ago)
    return Alarm.model_validate({"model": "toy", "version": version, "kind": kind, "windows": [number], "reason": "then", "at": at})


@pytest.mark.parametrize(
    ("letters", "state", "kind", "numbers"),
    [
        ("", "unjudged", None, []),
        ("---", "unjudged", None, []),
        (".....", "steady", None, []),
        ("....D", "suspect", None, []),
        ("D...D", "alarm", "drift", [1, 5]),
        ("D....D", "suspect", None, []),  # the first is more than five ago
        ("D-----D", "alarm", "drift", [1, 7]),  # what was not judged does not count as good
        ("DoooooD", "alarm", "drift", [1, 7]),  # nor do windows of the other kind
        ("SSSS", "unjudged", None, []),
        ("SSS.D", "suspect", None, []),
        ("DCD", "alarm", "drift", [1, 3]),
        ("C.C", "alarm", "concept", [1, 3]),
        ("DDCC", "alarm", "concept", [3, 4]),  # the weightier kind counts
        ("CF", "alarm", "concept", [1, 2]),
        ("FF", "alarm", "outcomes", [1, 2]),
        ("DDCCFF", "alarm", "outcomes", [5, 6]),
        ("F....", "suspect", None, []),
    ],
)
def test_bad_windows_raise_an_alarm(letters, state, kind, numbers):
    verdict = judge(windows(letters), PLAN, now=NOW)

    assert verdict.state == state
    assert (verdict.alarm and verdict.alarm.kind) == kind
    assert (verdict.alarm.windows if verdict.alarm else []) == numbers


@pytest.mark.parametrize(
    ("letters", "last", "state"),
    [
        ("DD", alarm(days_ago=6.9), "held"),
        ("DD", alarm(days_ago=7.1), "alarm"),
        ("CC", alarm("outcomes", days_ago=1), "held"),
        ("CC", alarm("drift", days_ago=1), "alarm"),  # weightier than the last alarm
        ("FF", alarm("concept", days_ago=1), "alarm"),
        ("DD", alarm(number=2), "held"),  # the same windows again
        ("DD.D", alarm(number=2), "alarm"),
        ("DD", alarm(number=9, version=1), "alarm"),
        ("D", alarm(days_ago=1), "suspect"),
    ],
)
def test_an_alarm_cools_down_and_is_not_raised_twice(letters, last, state):
    assert judge(windows(letters), PLAN, now=NOW, last_alarm=last).state == state


def test_a_switch_holds_every_alarm_back_and_says_why():
    verdict = judge(windows("FF"), PLAN, now=NOW, frozen="the laboratory moves")

    assert (verdict.state, verdict.alarm) == ("held", None)
    assert "the laboratory moves" in verdict.reason


@pytest.mark.parametrize(("needed", "of", "state"), [(1, 1, "alarm"), (3, 5, "alarm"), (4, 5, "suspect"), (3, 4, "suspect")])
def test_the_plan_says_how_many_bad_windows_of_how_many(needed, of, state):
    assert judge(windows("D.D.D"), Watch(needed=needed, of=of), now=NOW).state == state


def test_an_alarm_says_what_was_found():
    verdict = judge(windows(".DFF"), PLAN, now=NOW)

    assert verdict.alarm == Alarm(model="toy", version=2, kind="outcomes", windows=[3, 4], reason=verdict.reason, at=NOW)
    assert verdict.reason == "2 of the last 2 windows fell below the floor; the latest: window 4"


def test_an_alarm_about_an_error_says_that_it_rose():
    found = windows("FF")
    errors = [
        window.model_copy(update={"performance": window.performance.model_copy(update={"lower_is_better": True})}) for window in found
    ]

    assert judge(errors, PLAN, now=NOW).reason == "2 of the last 2 windows rose above the floor; the latest: window 2"
