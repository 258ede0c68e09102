"""Sessions of the pages and recovery codes, in the access file: real files, real codes."""

from __future__ import annotations

import asyncio
import json
import time

import msgspec
import pyotp
import pytest

from slipway.access import recovery_codes, users
from slipway.access.callers import Caller, Grant
from slipway.access.page_sessions import LONGEST, MOST, PageSessions
from slipway.access.records import ACCESS, OpenSession, change, read
from slipway.access.refusals import UnauthenticatedError
from slipway.access.store import AccessStore

PASSWORD = "correct-horse-battery-staple"
HOME = "192.0.2.1"
ANNA = Caller("anna", "user", frozenset())


@pytest.fixture
def loop():
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def store(tmp_path):
    return AccessStore(tmp_path)


@pytest.fixture
def sessions(tmp_path, store):
    users.add(tmp_path, "anna", PASSWORD, [Grant("predict")], with_second_factor=True)
    return PageSessions(tmp_path, store, minutes=15)


@pytest.fixture
def opened(tmp_path, sessions):
    """Open a session of anna."""
    return lambda: sessions.open("anna", users.known(tmp_path, "anna"), HOME)


@pytest.fixture
def older(tmp_path, store, loop):
    """Let all sessions be older, and the store know it."""

    def let(seconds: float) -> None:
        def moved(one: OpenSession) -> OpenSession:
            return msgspec.structs.replace(one, opened=one.opened - seconds, expires=one.expires - seconds)

        change(
            tmp_path,
            lambda content: msgspec.structs.replace(content, sessions={id: moved(one) for id, one in content.sessions.items()}),
        )
        loop.run(store.look())

    return let


def test_a_cookie_finds_its_session_and_the_file_does_not_contain_it(tmp_path, sessions, opened, loop):
    cookie = opened()

    found = loop.run(sessions.find(cookie))

    assert (found.caller.name, found.second_factor) == ("anna", True)
    assert cookie not in (tmp_path / ACCESS).read_text()
    assert loop.run(sessions.find("")) is loop.run(sessions.find("x" * 43)) is loop.run(sessions.find("ñ")) is None


def test_a_session_goes_on_while_it_is_used(tmp_path, sessions, opened, older, loop):
    cookie = opened()
    assert loop.run(sessions.find(cookie)).expires == pytest.approx(time.time() + 900, abs=5)

    older(600)
    loop.run(sessions.find(cookie))

    (stored,) = read(tmp_path).sessions.values()
    assert stored.expires == pytest.approx(time.time() + 900, abs=5)
    older(901)
    assert loop.run(sessions.find(cookie)) is None


def test_after_twelve_hours_a_person_signs_in_again_however_busy_the_session_was(tmp_path, sessions, opened, loop):
    cookie = opened()

    def busy(content):
        (id, one), *_ = content.sessions.items()
        old = msgspec.structs.replace(one, opened=time.time() - LONGEST + 60, expires=time.time() + 30)
        return msgspec.structs.replace(content, sessions={id: old})

    change(tmp_path, busy)
    loop.run(sessions.find(cookie))

    (stored,) = read(tmp_path).sessions.values()
    assert stored.expires == pytest.approx(time.time() + 60, abs=5)


def test_a_session_that_was_ended_is_not_brought_back_by_a_request(tmp_path, sessions, opened, loop):
    cookie = opened()
    found = loop.run(sessions.find(cookie))
    assert loop.run(sessions.end(found.id, found.caller))

    assert loop.run(sessions.find(cookie)) is None
    assert read(tmp_path).sessions == {}
    assert not loop.run(sessions.end(found.id, found.caller))


def test_a_user_has_twenty_sessions_at_most_and_the_oldest_ends(sessions, opened, loop):
    cookies = [opened() for _ in range(MOST + 1)]

    assert loop.run(sessions.find(cookies[0])) is None
    assert loop.run(sessions.find(cookies[1])) is not None
    assert len(loop.run(sessions.of_caller(ANNA))) == MOST


def test_a_session_of_a_former_user_of_that_name_opens_nothing(tmp_path, sessions, opened, loop):
    cookie = opened()
    users.revoke(tmp_path, "anna")
    users.add(tmp_path, "anna", PASSWORD, [Grant("operate")])

    assert loop.run(sessions.find(cookie)) is None
    assert loop.run(sessions.of_caller(ANNA)) == {}


def test_a_file_of_an_earlier_version_is_read(tmp_path):
    user = {"password": "$argon2id$x", "grants": ["predict"], "created": "2026-11-01T00:00:00+00:00", "generation": "ab"}
    key = {"sha256": "0" * 64, "grants": ["predict"], "created": "2026-11-01T00:00:00+00:00", "expires": None}
    path = tmp_path / ACCESS
    path.parent.mkdir()
    path.write_text(json.dumps({"keys": {"erp": key}, "users": {"anna": user}, "session_secret": "ab", "ended": {}}))

    found = read(tmp_path)

    assert (found.sessions, found.users["anna"].recovery, found.keys["erp"].owner) == ({}, (), "")


def test_no_secret_is_made_for_a_gateway_without_users(tmp_path, loop):
    sessions = PageSessions(tmp_path, AccessStore(tmp_path), minutes=15)

    assert loop.run(sessions.form_secret()) == ""
    assert not (tmp_path / ACCESS).exists()  # its absence is what health reports


def test_the_secret_of_forms_is_made_once(tmp_path, sessions, loop):
    first = loop.run(sessions.form_secret())

    assert len(first) == 64
    assert loop.run(PageSessions(tmp_path, AccessStore(tmp_path), minutes=15).form_secret()) == first


def test_ten_recovery_codes_are_read_however_they_are_typed_and_stored_as_hashes():
    codes = recovery_codes.new_codes()

    assert len(set(codes)) == recovery_codes.NUMBER
    digests = recovery_codes.digests(codes)
    assert recovery_codes.digest_of(f"  {codes[0].upper().replace('-', ' ')} ") == digests[0]
    assert [recovery_codes.digest_of(text) for text in ("", "123456", codes[0][:-1], f"{codes[0]}a", "0000-0000-0000")] == [None] * 5


def test_a_second_factor_that_the_operator_replaces_takes_the_recovery_codes_along(tmp_path, sessions):
    users.renew_recovery_codes(tmp_path, "anna")
    users.rotate(tmp_path, "anna", PASSWORD)
    assert len(users.known(tmp_path, "anna").recovery) == 10

    users.rotate(tmp_path, "anna", PASSWORD, with_second_factor=True)

    assert users.known(tmp_path, "anna").recovery == ()


def test_a_code_of_the_app_makes_new_recovery_codes_once(tmp_path, sessions):
    users.rotate(tmp_path, "anna", PASSWORD, with_second_factor=True)
    code = pyotp.TOTP(users.known(tmp_path, "anna").second_factor).now()

    first = users.renew_recovery_codes(tmp_path, "anna", code)

    with pytest.raises(UnauthenticatedError):
        users.renew_recovery_codes(tmp_path, "anna", code)
    assert users.known(tmp_path, "anna").recovery == recovery_codes.digests(first)
