"""A slow fall: the last windows together are worse than before, although none of them is by itself."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from slipway.monitoring import performance
from slipway.monitoring.falls import Figure, fall, slow_fall, together
from slipway.monitoring.findings import Performance, Window
from slipway.monitoring.policy import judge, standing
from slipway.problems.proportions import wilson
from slipway.problems.regression.evaluation import QuantityEvaluation
from slipway.spec import Gate, ModelSpec
from slipway.spec.watch import Watch
from tests.support.progression import patients, progression

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PLAN = Watch()
TESTS, ROWS, TOLERANCE = 400, 500, 0.01


def window(number: int, found: Performance, rows: int = ROWS, season: str | None = None) -> Window:
    return Window(
        model="toy",
        version=2,
        kind="outcomes",
        number=number,
        first=NOW - timedelta(hours=2),
        last=NOW - timedelta(hours=1),
        rows=rows,
        judged=True,
        reason=f"window {number}",
        season=season,
        performance=found,
    )


def labels(right: int, rows: int = ROWS, registered: int = 360, tests: int = TESTS) -> Performance:
    """The accuracy of a window with so many right labels, beside that of so many of the test rows; by default .9."""
    figure, before, around = right / rows, registered / tests, wilson(registered, tests, 0.95)
    low, high = wilson(right, rows, 0.95)
    return Performance(
        metric="accuracy",
        figure=figure,
        low=low,
        high=high,
        registered=before,
        floor=0.5,
        worse=fall(figure, (low, high), before, around)[1] < -TOLERANCE,
        below_floor=False,
        hits=right,
        misses=rows - right,
        metrics={},
        confusion_matrix=[],
        slices=[],
        registered_interval=around,
        registered_rows=tests,
        tolerance=TOLERANCE,
    )


def windows(*right: int) -> list[Window]:
    return [window(number, labels(count)) for number, count in enumerate(right, 1)]


def quiet(right: int, count: int) -> list[int]:
    return [right] * count


def test_several_windows_show_a_fall_that_none_shows_alone():
    # .9 in 400 test rows and five windows; then .865: alone 3.3 points below, where chance reaches 5
    found = windows(*quiet(450, 5), *quiet(433, 5))

    verdict = judge(found, PLAN, now=NOW)

    assert not any(one.bad for one in found)
    assert verdict.alarm
    assert (verdict.alarm.kind, verdict.alarm.windows) == ("concept", [8, 9, 10])
    assert verdict.reason == (
        "the last 3 windows together were less right than before, which none of them shows alone: accuracy 0.8660 (0.8471 to 0.8816) in "
        "1,500 outcomes, 0.9000 (0.8878 to 0.9097) on the test rows and in 5 earlier windows"
    )
    assert standing(found, PLAN) == verdict.reason
    assert judge(found[:-3], PLAN, now=NOW).state == "steady"  # with two of them, it is not yet more than chance


def test_a_version_that_creeps_down_is_found_before_any_window_is_bad():
    found = windows(*(450 - 2 * number for number in range(14)))

    assert not any(one.bad for one in found)
    assert judge(found, PLAN, now=NOW).state == "alarm"


def test_without_earlier_windows_the_test_rows_alone_are_before():
    found = [window(number, labels(432, registered=1_800, tests=2_000)) for number in range(1, 6)]

    slow = slow_fall(found, PLAN)

    assert not any(one.bad for one in found)
    assert slow
    assert slow.words.endswith("in 2,500 outcomes, 0.9000 (0.8861 to 0.9124) on the test rows")  # Wilson's interval of 1,800 of 2,000


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (windows(*quiet(450, 5), *quiet(433, 5))[:4], "fewer windows than an alarm looks at"),
        (windows(*quiet(450, 5), *quiet(446, 5)), "the fall is within the tolerance of the gate"),
        (windows(*quiet(450, 5), *quiet(470, 5)), "the answers are better than before"),
        (windows(*quiet(450, 9), 100), "one window is far worse than all others: an outlier, or one caller's wrong outcomes"),
        ([window(number, labels(86, 100), 100) for number in range(1, 6)], "so few rows show nothing"),
        ([*windows(*quiet(450, 5)), *(window(number, labels(433), season="carnival") for number in range(6, 11))], "a season"),
    ],
)
def test_no_slow_fall(seen: list[Window], why: str):
    assert slow_fall(seen, PLAN) is None, why


def test_a_slow_fall_is_held_back_as_any_alarm_of_its_kind():
    found = windows(*quiet(450, 5), *quiet(433, 5))
    alarm = judge(found, PLAN, now=NOW).alarm

    again = judge([*found, window(11, labels(433))], PLAN, now=NOW + timedelta(days=6), last_alarm=alarm)
    same = judge(found, PLAN, now=NOW + timedelta(days=8), last_alarm=alarm)
    later = judge([*found, window(11, labels(433))], PLAN, now=NOW + timedelta(days=8), last_alarm=alarm)

    assert (again.state, same.state, later.state) == ("held", "held", "alarm")


def test_windows_of_an_earlier_slipway_are_read_and_wait_for_one_that_says_more():
    new = ("registered_interval", "registered_rows", "tolerance", "mean_error")
    found = windows(*quiet(450, 5), *quiet(433, 5))
    written = [one.model_dump(mode="json") for one in found]
    for one in written:
        one["performance"] = {name: value for name, value in one["performance"].items() if name not in new}
    old = [Window.model_validate(one) for one in written]

    assert slow_fall(old, PLAN) is None
    assert slow_fall([*old[:-1], found[-1]], PLAN)


def test_windows_of_another_metric_are_not_compared():
    found = windows(*quiet(450, 5), *quiet(433, 5))
    other = [one.model_copy(update={"performance": one.performance.model_copy(update={"metric": "f1"})}) for one in found[:6]]

    assert slow_fall([*other, *found[6:]], PLAN) is None


def test_without_drift_a_thousand_windows_raise_no_alarm():
    # 50 versions of 20 windows, each with test rows of its own: the figure at registration is as much chance as all others.
    # At a level of 95 % instead of 99.9 %, 14 of the versions raise one; at 99 %, 4.
    generator = np.random.default_rng(0)
    alarms = 0
    for _ in range(50):
        registered = int(generator.binomial(TESTS, 0.9))
        found = [window(number, labels(int(generator.binomial(ROWS, 0.9)), registered=registered)) for number in range(1, 21)]
        alarms += any(slow_fall(found[:until], PLAN) for until in range(2, 21))

    assert alarms == 0


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    return progression(tmp_path, gate=Gate(floor=100.0, tolerance=0.5))


def numbers(spec: ModelSpec, rows: pd.DataFrame, shift: float, seed: int) -> QuantityEvaluation:
    """Answers whose errors are normal, with a standard deviation of 50 and a mean of -`shift`."""
    truth = rows["target"].to_numpy(dtype=float)
    predicted = truth - shift + np.random.default_rng(seed).normal(0.0, 50.0, len(truth))
    return QuantityEvaluation(spec.columns.target, truth.tolist(), predicted.tolist(), np.zeros((len(truth), 0)))


def test_outcomes_that_all_moved_to_one_side_are_found_by_the_mean_error(spec: ModelSpec):
    # three tenths of a standard deviation raise the absolute error by 4 %, and the mean error by six of its standard errors a window
    rows = patients()
    before = performance.registered(spec, rows, numbers(spec, rows, 0.0, 99))
    found = [
        window(number, performance.measure(spec, rows, numbers(spec, rows, 15.0 if number > 3 else 0.0, number), before), len(rows))
        for number in range(1, 6)
    ]
    without = [one.model_copy(update={"performance": one.performance.model_copy(update={"mean_error": None})}) for one in found]

    slow = slow_fall(found, PLAN)

    assert slow
    said = re.search(r"; on average the outcomes are (.*) above the answers, and were (.*) above before$", slow.words)
    assert said
    assert [float(figure) for figure in said.groups()] == pytest.approx([15.0, 0.0], abs=3.3)  # two standard errors of 884 rows
    assert slow_fall(without, PLAN) is None


def test_figures_together_are_that_of_all_rows():
    # two halves of one sample: the standard error falls by the square root of two, and the larger counts twice
    halves = together([Figure(100, 0.8, 0.7, 0.9), Figure(100, 0.8, 0.7, 0.9)])
    unequal = together([Figure(200, 0.9, 0.9, 0.9), Figure(100, 0.6, 0.6, 0.6)])

    assert halves == (200, pytest.approx(0.8), pytest.approx(0.8 - 0.1 / 2**0.5), pytest.approx(0.8 + 0.1 / 2**0.5))
    assert unequal[:2] == (300, pytest.approx(0.8))


def test_the_mean_error_is_that_of_the_rows_with_their_weights(spec: ModelSpec):
    found = QuantityEvaluation(spec.columns.target, [10.0, 20.0, 30.0, 40.0], [9.0, 17.0, 29.0, 37.0], np.zeros((4, 0)))

    # residuals 1, 3, 1, 3: mean 2, deviations of 1, standard error sqrt(4) / 4 = .5
    assert found.mean_error(0.95) == (2.0, pytest.approx((2 - 1.96 * 0.5, 2 + 1.96 * 0.5), abs=1e-4))
    assert found.counting(np.array([1.0, 0.0, 1.0, 0.0])).mean_error(0.95) == (1.0, (1.0, 1.0))
    assert found.only(np.array([True, False, False, False])).mean_error(0.95) is None
