"""One release of a model at a time on this host."""

from __future__ import annotations

import pytest

from slipway.errors import ReleaseInProgressError
from slipway.locking import exclusive
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
