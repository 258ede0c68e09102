"""One release of a model at a time on this host."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from slipway.errors import LockNotReturnedError, ReleaseInProgressError
from slipway.lifecycle.locking import exclusive, releasing
from slipway.settings import Settings


def test_a_second_release_of_the_same_model_is_refused_at_once(settings: Settings) -> None:
    with (
        exclusive("toy", settings),
        pytest.raises(ReleaseInProgressError, match="toy: another release or rollback of this model is running here"),
        exclusive("toy", settings),
    ):
        pass


def test_another_model_may_be_released_meanwhile(settings: Settings) -> None:
    with exclusive("toy", settings), exclusive("heart-failure", settings):
        assert sorted(path.name for path in (settings.home / "locks").iterdir()) == ["heart-failure.lock", "toy.lock"]


def test_a_release_that_failed_frees_the_model(settings: Settings) -> None:
    with pytest.raises(RuntimeError, match="the release failed"), exclusive("toy", settings):
        raise RuntimeError("the release failed")

    with exclusive("toy", settings):
        pass


def test_a_lent_lock_lets_a_rollback_through_and_comes_back(settings: Settings) -> None:
    with exclusive("toy", settings) as lock:
        with lock.lent(), exclusive("toy", settings):
            pass  # a rollback, while a person thinks

        with pytest.raises(ReleaseInProgressError), exclusive("toy", settings):
            pass

    with exclusive("toy", settings):
        pass


def test_a_lent_lock_that_does_not_come_back_ends_the_release(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.lifecycle.locking.RETURNED_WITHIN", 0.1)
    with (
        ExitStack() as rollback,
        pytest.raises(LockNotReturnedError, match="toy: a rollback that began while this release waited has not ended"),
        exclusive("toy", settings) as lock,
        lock.lent(),
    ):
        rollback.enter_context(exclusive("toy", settings))


def test_no_second_release_begins_while_the_first_has_lent_its_lock(settings: Settings) -> None:
    with (
        releasing("toy", settings),
        exclusive("toy", settings) as lock,
        lock.lent(),
        pytest.raises(ReleaseInProgressError, match=r"waits for approval.*slipway reject toy"),
        releasing("toy", settings),
    ):
        pass
