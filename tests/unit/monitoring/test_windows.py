"""Which rows are judged together."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from slipway.errors import SpecError
from slipway.monitoring.windows import cut, per_day, volume
from slipway.spec.watch import Drift, Season, Watch
from tests.unit.monitoring.test_policy import window

START = datetime(2026, 11, 1, tzinfo=UTC)
PLAN = Watch(rows=10, minimum=5, days=7)


def times(*hours: float) -> list[datetime]:
    return [START + timedelta(hours=hour) for hour in hours]


def sizes(found: list[slice]) -> list[int]:
    return [part.stop - part.start for part in found]


def test_full_windows_are_cut_and_the_rest_waits():
    assert cut(times(*range(25)), PLAN, START + timedelta(days=2)) == [slice(0, 10), slice(10, 20)]


def test_nothing_is_cut_where_nothing_waits():
    assert cut([], PLAN, START) == []


def test_a_window_is_closed_when_it_is_overdue():
    assert cut(times(0, 1, 2), PLAN, START + timedelta(days=6.9)) == []
    assert cut(times(0, 1, 2), PLAN, START + timedelta(days=7)) == [slice(0, 3)]


def test_a_window_spans_no_more_than_its_days():
    assert sizes(cut(times(0, 24, 8 * 24, *[8 * 24 + 1] * 9), PLAN, START + timedelta(days=9))) == [2, 10]


def test_rows_of_one_request_stay_together():
    assert sizes(cut(times(*[0] * 25, *[1] * 5, 2, 2, 2, 2, 2), PLAN, START + timedelta(days=1))) == [25, 10]


def test_many_rows_that_wait_make_larger_windows():
    waiting = [START + timedelta(seconds=second) for second in range(1_000)]

    assert sizes(cut(waiting, PLAN, START + timedelta(days=1))) == [50] * 20


def test_an_unusual_rate_is_reported():
    usual = [window(".", number).model_copy(update={"per_day": rate}) for number, rate in enumerate((90.0, 100.0, 400.0, None), 1)]

    assert volume(401.0, usual, PLAN) == "401 rows a day instead of the usual 100"
    assert volume(24.0, usual, PLAN) == "24 rows a day instead of the usual 100"
    assert [volume(rate, usual, PLAN) for rate in (399.0, 26.0, None)] == ["", "", ""]
    assert volume(401.0, [], PLAN) == ""


def test_rows_of_a_moment_say_nothing_of_days():
    assert per_day(times(0, 0, 0)) is None
    assert per_day(times(0, 12, 24)) == 3


@pytest.mark.parametrize(("day", "within"), [("12-14", False), ("12-15", True), ("12-31", True), ("01-06", True), ("01-07", False)])
def test_a_season_lasts_over_the_end_of_the_year(day, within):
    plan = Watch(seasons=(Season("Christmas", "12-15", "01-06"),))

    assert plan.season(date.fromisoformat(f"2026-{day}")) == ("Christmas" if within else None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Season("Christmas", "15-12", "01-06"), "'15-12' is not a day; expected MM-DD"),
        (lambda: Watch(rows=10), "expected 2 <= minimum <= rows"),
        (lambda: Watch(needed=6), "expected 1 <= needed <= of"),
        (lambda: Watch(days=0), "expected days above 0"),
        (lambda: Drift(threshold=0), "expected a distance above 0"),
        (lambda: Drift(significance=1), "expected a probability"),
        (lambda: Drift(distance="euclid"), "'euclid' is not one of wasserstein"),
        (lambda: Drift(test="guess"), "'guess' is not one of ks"),
    ],
)
def test_nonsense_is_refused(make, message):
    with pytest.raises(SpecError, match=message):
        make()
