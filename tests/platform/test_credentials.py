from __future__ import annotations

import stat

import pytest

from deployments.local import ensure_api_key
from slipway.access.keys import WeakKeyError, holder
from slipway.settings import Settings


def accepted(settings: Settings) -> bool:
    return holder(settings.home, settings.api_key.get_secret_value()) == "local"


@pytest.fixture(autouse=True)
def no_key_in_the_environment(monkeypatch):
    monkeypatch.delenv("SLIPWAY_API_KEY", raising=False)


def test_a_key_is_made_once_kept_for_its_owner_and_accepted_by_the_gateway(tmp_path, monkeypatch):
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path))

    made = ensure_api_key(Settings.load())

    assert accepted(made)
    assert stat.S_IMODE((tmp_path / "credentials.env").stat().st_mode) == 0o600
    assert Settings.load().api_key == made.api_key
    assert ensure_api_key(Settings.load()) == made


def test_a_key_that_was_set_is_the_one_that_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("SLIPWAY_API_KEY", "a-key-that-was-set-by-the-user")
    mine = Settings(home=tmp_path)

    assert ensure_api_key(mine) == mine
    assert accepted(mine)
    assert (tmp_path / "credentials.env").read_text() == "SLIPWAY_API_KEY=a-key-that-was-set-by-the-user\n"


def test_repeating_it_rewrites_nothing(tmp_path):
    settings = ensure_api_key(Settings(home=tmp_path))
    files = [tmp_path / "credentials.env", tmp_path / "gateway" / "access.json"]
    before = [file.stat().st_mtime_ns for file in files]

    ensure_api_key(settings)

    assert [file.stat().st_mtime_ns for file in files] == before


def test_a_lost_key_file_is_made_again_with_the_same_key(tmp_path):
    settings = ensure_api_key(Settings(home=tmp_path))
    (tmp_path / "gateway" / "access.json").unlink()

    ensure_api_key(settings)

    assert accepted(settings)


def test_a_key_that_is_too_short_is_refused_and_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("SLIPWAY_API_KEY", "short")

    with pytest.raises(WeakKeyError, match="expected 20 characters or more"):
        ensure_api_key(Settings(home=tmp_path))

    assert not (tmp_path / "credentials.env").exists()
