"""Waiting until something is so, and repeating what may heal."""

from __future__ import annotations

import asyncio
import time

import pytest

from slipway.retries import retry, retry_async, wait_until


def test_the_first_true_result_is_returned_at_once() -> None:
    results = iter([0, "", None, "ready", "later"])

    assert wait_until(lambda: next(results), every=0.001, within=10.0) == "ready"
    assert next(results) == "later"


def test_a_condition_is_called_once_even_when_no_time_is_left() -> None:
    assert wait_until(lambda: "ready", every=10.0, within=0.0) == "ready"


def test_when_the_time_is_up_the_last_result_is_returned() -> None:
    began = time.monotonic()

    assert wait_until(lambda: "", every=0.01, within=0.05) == ""

    assert 0.05 <= time.monotonic() - began < 5


def test_without_a_limit_it_is_called_until_it_is_true() -> None:
    calls = iter(range(100))

    assert wait_until(lambda: next(calls) == 99, every=0.0)


def test_an_error_that_means_not_yet_is_waited_out() -> None:
    outcomes = iter([ConnectionError("refused"), ConnectionError("reset"), "ready"])

    assert wait_until(lambda: raised_or_returned(next(outcomes)), every=0.001, within=10.0, despite=ConnectionError) == "ready"


def test_an_error_that_means_not_yet_is_raised_when_the_time_is_up() -> None:
    error = ConnectionError("refused")

    with pytest.raises(ConnectionError) as raised:
        wait_until(lambda: raised_or_returned(error), every=0.01, within=0.03, despite=ConnectionError)

    assert raised.value is error


def test_any_other_error_is_raised_at_once() -> None:
    outcomes = iter([ValueError("wrong"), "ready"])

    with pytest.raises(ValueError, match="wrong"):
        wait_until(lambda: raised_or_returned(next(outcomes)), every=0.001, within=10.0, despite=ConnectionError)

    assert next(outcomes) == "ready"


def test_what_may_heal_is_repeated_after_each_pause_and_reported() -> None:
    outcomes, reported = iter([ConnectionError("first"), 503, 200]), []

    answer = retry(
        lambda: raised_or_returned(next(outcomes)),
        pauses=(0.001, 0.002, 0.003),
        heals=lambda outcome, _: isinstance(outcome, ConnectionError) or outcome == 503,
        report=lambda outcome, seconds: reported.append((str(outcome), seconds)),
    )

    assert answer == 200
    assert reported == [("first", 0.001), ("503", 0.002)]


def test_after_the_last_pause_the_outcome_counts_whatever_it_is() -> None:
    calls: list[int] = []

    assert retry(lambda: calls.append(1) or 503, pauses=(0.001, 0.001), heals=lambda outcome, _: outcome == 503) == 503
    assert len(calls) == 3
    with pytest.raises(ConnectionError, match="again"):
        retry(lambda: raised_or_returned(ConnectionError("again")), pauses=(0.001,), heals=lambda outcome, _: True)


def test_how_often_it_was_called_may_decide_whether_it_heals() -> None:
    calls: list[int] = []

    assert retry(lambda: calls.append(1) or 503, pauses=(0.001,) * 9, heals=lambda _, attempts: attempts < 4) == 503

    assert len(calls) == 4


def test_what_does_not_heal_is_called_once() -> None:
    with pytest.raises(ValueError, match="wrong"):
        retry(lambda: raised_or_returned(ValueError("wrong")), pauses=(60.0,), heals=lambda outcome, _: isinstance(outcome, OSError))


def test_a_pause_is_spread_by_at_most_its_part() -> None:
    seconds: list[float] = []

    retry(lambda: 503, pauses=(0.002,) * 20, heals=lambda *_: True, spread=0.5, report=lambda _, pause: seconds.append(pause))

    assert all(0.001 <= one <= 0.003 for one in seconds)
    assert len(set(seconds)) > 1


def test_an_event_loop_is_not_held_up_by_a_pause() -> None:
    outcomes, between = iter([503, 200]), []

    async def ask() -> int:
        return next(outcomes)

    async def both() -> int:
        asyncio.get_running_loop().call_later(0.01, between.append, "another task")
        return await retry_async(ask, pauses=(0.2,), heals=lambda outcome, _: outcome == 503)

    assert asyncio.run(both()) == 200
    assert between == ["another task"]


def raised_or_returned(outcome: object) -> object:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
