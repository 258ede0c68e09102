"""Waiting after wrong passwords: the policy as a table, with the test's own clock."""

from __future__ import annotations

import pytest

from slipway.access.guessing import MOST, Failures, Guessing, Policy
from slipway.access.refusals import LockedOutError

POLICY = Policy(free=3, lock_after=10, first=1, lock=300, forget=900)
LENIENT = Policy(free=50, lock_after=100)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def attempt(guessing: Guessing, name: str = "anna", address: str = "192.0.2.1") -> int | None:
    """Fail once; return the seconds to wait if not even that was possible."""
    try:
        guessing.begin(name, address)
    except LockedOutError as error:
        return error.retry_after
    return None


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0), (1, 0), (3, 0), (4, 1), (5, 2), (6, 4), (7, 8), (8, 16), (9, 32), (10, 300), (11, 300), (1_000, 300)],
)
def test_each_failure_beyond_three_doubles_the_wait_and_the_tenth_locks_for_five_minutes(failures, seconds):
    assert POLICY.wait(failures) == seconds


def test_a_caller_who_has_to_wait_reads_how_long_in_http_too(clock):
    guessing = Guessing(Policy(free=0, lock_after=1, lock=2.5), LENIENT, clock)
    attempt(guessing)

    with pytest.raises(LockedOutError, match="Try again in 3 s") as error:
        guessing.begin("anna", "192.0.2.1")

    assert (error.value.status, error.value.headers) == (429, ((b"retry-after", b"3"),))


def test_a_wait_never_exceeds_the_lock():
    assert Policy(free=0, lock_after=100, first=1, lock=60).wait(50) == 60


@pytest.mark.parametrize(
    "wrong", [{"free": 5, "lock_after": 5}, {"free": -1, "lock_after": 5}, {"free": 1, "lock_after": 5, "lock": 1000, "forget": 900}]
)
def test_a_policy_that_locks_nobody_is_refused(wrong):
    with pytest.raises(ValueError, match="expected 0 <= free < lock_after"):
        Policy(**wrong)


def test_an_early_attempt_is_refused_and_not_counted_and_one_after_the_wait_is_allowed(clock):
    guessing = Guessing(POLICY, LENIENT, clock)
    assert [attempt(guessing) for _ in range(4)] == [None] * 4

    assert [attempt(guessing) for _ in range(5)] == [1] * 5  # the wait does not grow by asking
    clock.now = 1.0
    assert attempt(guessing) is None
    assert attempt(guessing) == 2


def test_many_attempts_at_once_cannot_avoid_the_wait(clock):
    guessing = Guessing(POLICY, LENIENT, clock)

    assert [attempt(guessing) for _ in range(100)].count(None) == 4


def test_after_the_tenth_failure_all_attempts_are_refused_for_five_minutes_and_then_one_is_allowed(clock):
    guessing = Guessing(POLICY, LENIENT, clock)
    while (seconds := attempt(guessing)) != 300:
        clock.now += seconds or 0

    clock.now += 299
    assert attempt(guessing) == 1
    clock.now += 1
    assert attempt(guessing) is None
    assert attempt(guessing) == 300


def test_failures_are_forgotten_after_a_while_and_by_a_success(clock):
    guessing = Guessing(POLICY, LENIENT, clock)
    for _ in range(4):
        attempt(guessing)
    clock.now = 900
    assert [attempt(guessing) for _ in range(4)] == [None] * 4

    clock.now += 1
    guessing.begin("anna", "192.0.2.1")
    guessing.succeeded("anna", "192.0.2.1")
    assert attempt(guessing) is None


def test_a_locked_name_does_not_lock_other_names_at_other_addresses(clock):
    guessing = Guessing(POLICY, Policy(free=5, lock_after=6), clock)
    for _ in range(4):
        attempt(guessing)
    assert attempt(guessing) == 1
    assert attempt(guessing, "bert", "192.0.2.2") is None


def test_an_address_that_tries_many_names_is_locked_even_after_a_success_of_its_own(clock):
    guessing = Guessing(LENIENT, Policy(free=5, lock_after=6), clock)
    for n in range(5):
        assert attempt(guessing, f"name-{n}") is None
    guessing.begin("mine", "192.0.2.1")
    guessing.succeeded("mine", "192.0.2.1")

    assert attempt(guessing, "name-6") is None
    assert attempt(guessing, "name-7") == 300
    assert attempt(guessing, "name-7", "192.0.2.2") is None


def test_addresses_of_one_ipv6_network_count_as_one_and_mapped_ones_as_ipv4(clock):
    guessing = Guessing(LENIENT, Policy(free=0, lock_after=1), clock)

    assert attempt(guessing, "a", "2001:db8::1") is None
    assert attempt(guessing, "a", "2001:db8::2:3%eth0") == 300
    assert attempt(guessing, "a", "2001:db8:0:1::1") is None
    assert attempt(guessing, "a", "192.0.2.1") is None
    assert attempt(guessing, "a", "::ffff:192.0.2.1") == 300
    assert attempt(guessing, "a", "somewhere:else") is None


def test_an_undecided_attempt_does_not_count(clock):
    guessing = Guessing(Policy(free=1, lock_after=2), LENIENT, clock)
    for _ in range(10):
        guessing.begin("anna", "192.0.2.1")
        guessing.abandoned("anna", "192.0.2.1")

    assert attempt(guessing) is None


def test_what_is_remembered_is_bounded(clock):
    failures = Failures(Policy(free=0, lock_after=1), clock)
    for n in range(MOST + 5):
        failures.add(str(n))

    assert len(failures._by) == MOST
    assert failures.remaining("0") == 0
    assert failures.remaining(str(MOST)) == 300
