"""Passwords, second factors, and the sessions they open: real argon2, real codes, real tokens."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import suppress

import jwt
import pyotp
import pytest
from argon2 import PasswordHasher

from slipway.access import passwords, second_factor, sessions, users
from slipway.access.callers import Grant
from slipway.access.gatekeeper import MOST_WAITING, Gatekeeper
from slipway.access.guessing import Guessing, Policy
from slipway.access.records import change, read
from slipway.access.recovery_codes import digests
from slipway.access.refusals import AccessError, LockedOutError, UnauthenticatedError, UndecidedError
from tests.support.hanging import hanging

PASSWORD = "correct-horse-battery-staple"
GRANTS = (Grant("predict", "heart-failure"),)
PATIENT = Guessing(Policy(free=1_000, lock_after=2_000), Policy(free=1_000, lock_after=2_000))
HOME = "192.0.2.1"


class Front:
    """A gatekeeper and the loop it runs in."""

    def __init__(self, home, **options) -> None:
        self.runner = asyncio.Runner()
        self.keeper = Gatekeeper(home, **{"guessing": PATIENT} | options)

    def sign_in(self, name="anna", password=PASSWORD, code=None):
        return self.runner.run(self.keeper.open_session(name, password, code, HOME))

    def ask(self, token):
        return self.runner.run(self.keeper.authenticate(b"Bearer " + token.encode()))

    def status(self, token) -> int:
        try:
            self.ask(token)
        except AccessError as error:
            return error.status
        return 200

    def ends_within_a_second(self, token) -> bool:
        started = time.monotonic()
        while self.status(token) == 200 and time.monotonic() - started < 1:
            time.sleep(0.01)
        return self.status(token) == 401

    def close(self) -> None:
        self.keeper.close()
        self.runner.close()


@pytest.fixture
def anna(tmp_path) -> None:
    users.add(tmp_path, "anna", PASSWORD, GRANTS)


@pytest.fixture
def front(tmp_path) -> Iterator[Front]:
    front = Front(tmp_path)
    yield front
    front.close()


def test_a_password_gives_a_token_of_the_user_that_shows_no_secret(anna, front, tmp_path):
    opened = front.sign_in()

    assert opened.expires_in == 15 * 60
    assert opened.token not in repr(opened)
    caller = front.ask(opened.token)
    assert (caller.name, caller.kind, caller.grants) == ("anna", "user", set(GRANTS))
    stored = (tmp_path / "gateway" / "access.json").read_text()
    assert PASSWORD not in stored
    assert "$argon2id$" in stored


def test_another_worker_accepts_the_token_at_once(anna, front, tmp_path):
    other = Front(tmp_path)
    assert other.status("nobody") == 401  # it has looked before there was a secret to sign with

    assert other.ask(front.sign_in().token).name == "anna"
    other.close()


@pytest.mark.parametrize(
    ("name", "password"), [("anna", "wrong-horse"), ("bert", PASSWORD), ("../anna", PASSWORD), ("anna", "\ud800"), ("", "")]
)
def test_wrong_name_and_wrong_password_are_answered_alike(name, password, anna, front):
    with pytest.raises(UnauthenticatedError, match="name, password or code is wrong") as error:
        front.sign_in(name, password)

    assert "horse" not in str(error.value)


@pytest.mark.slow
def test_an_unknown_user_takes_as_long_as_a_wrong_password(anna, front):
    def median_ms(name: str) -> float:
        times = []
        for _ in range(5):
            started = time.perf_counter()
            with pytest.raises(UnauthenticatedError):
                front.sign_in(name, "a wrong password")
            times.append((time.perf_counter() - started) * 1e3)
        return statistics.median(times)

    median_ms("anna")
    ratio = median_ms("anna") / median_ms("nobody")

    assert 1 / 3 < ratio < 3  # without the work for nobody it is beyond 50


@pytest.mark.parametrize("password", ["short", "a" * 300, "aaaaaaaaaaaaaaaa", "Anna-and-her-dog-12"])
def test_a_weak_password_is_refused_and_no_user_is_added(password, tmp_path):
    with pytest.raises(passwords.WeakPasswordError) as error:
        users.add(tmp_path, "anna", password, GRANTS)

    assert password not in str(error.value)
    assert users.listed(tmp_path) == {}


def test_an_accent_is_the_same_for_all_ways_to_compose_it():
    assert passwords.matches(passwords.hashed("caf\u00e9-correct-horse"), "cafe\u0301-correct-horse")


def test_a_damaged_hash_matches_nothing():
    assert not passwords.matches("no hash", PASSWORD)


def test_an_old_hash_is_replaced_by_todays_when_its_user_signs_in(anna, front, tmp_path):
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    path = tmp_path / "gateway" / "access.json"
    path.write_text(path.read_text().replace(users.known(tmp_path, "anna").password, old))
    assert passwords.outdated(old)

    token = front.sign_in().token

    assert not passwords.outdated(users.known(tmp_path, "anna").password)
    assert front.status(token) == 200


def test_a_second_factor_needs_a_code_which_is_valid_once(front, tmp_path):
    uri = users.add(tmp_path, "anna", PASSWORD, GRANTS, with_second_factor=True)
    totp = pyotp.parse_uri(uri)
    assert (totp.name, totp.issuer) == ("anna", "Slipway")
    code = totp.now()

    for wrong in (None, "", "000000" if code != "000000" else "000001", code + "0", f" {code}"):
        with pytest.raises(UnauthenticatedError, match="name, password or code is wrong"):
            front.sign_in(code=wrong)
    with pytest.raises(UnauthenticatedError):
        front.sign_in(password="a wrong password", code=code)  # does not use the code up

    assert front.status(front.sign_in(code=code).token) == 200
    other = Front(tmp_path)
    with pytest.raises(UnauthenticatedError, match="a code is valid once"):
        other.sign_in(code=code)
    other.close()


def test_codes_are_valid_one_step_before_and_after_and_never_twice():
    key = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    totp, now = pyotp.TOTP(key), 1_800_000_000  # begins step 60,000,000 of 30 s
    accepted = {offset: second_factor.used_step(key, totp.at(now + 30 * offset), now, 0) for offset in range(-2, 3)}

    assert accepted == {-2: None, -1: 59_999_999, 0: 60_000_000, 1: 60_000_001, 2: None}
    assert second_factor.used_step(key, totp.at(now), now, 60_000_000) is None
    assert second_factor.used_step(key, totp.at(now - 30), now, 60_000_000) is None
    assert second_factor.used_step(key, totp.at(now + 30), now, 60_000_000) == 60_000_001


@pytest.mark.parametrize(
    "act",
    [
        lambda home: users.revoke(home, "anna"),
        lambda home: users.sign_out(home, "anna"),
        lambda home: users.rotate(home, "anna", "another-horse-battery-staple"),
    ],
    ids=["revoked", "signed out", "rotated"],
)
def test_a_session_ends_within_a_second_when_its_user_is_revoked(act, anna, front, tmp_path):
    token = front.sign_in().token
    assert front.status(token) == 200

    act(tmp_path)

    assert front.ends_within_a_second(token)


def test_a_user_who_comes_back_under_the_name_does_not_inherit_sessions(anna, front, tmp_path):
    token = front.sign_in().token
    users.revoke(tmp_path, "anna")
    users.add(tmp_path, "anna", PASSWORD, GRANTS)

    assert front.ends_within_a_second(token)


def test_a_session_has_the_current_roles_of_its_user(anna, front, tmp_path, until):
    token = front.sign_in().token
    users.grant(tmp_path, "anna", [Grant("audit")])

    until(lambda: front.ask(token).grants == {Grant("audit")}, seconds=1)


def test_a_closed_session_ends_at_once_here_and_within_a_second_in_other_workers(anna, front, tmp_path):
    other = Front(tmp_path)
    token, stays = front.sign_in().token, front.sign_in().token
    assert other.status(token) == 200

    assert front.runner.run(front.keeper.close_session(f"Bearer {token}".encode())).name == "anna"

    assert front.ends_within_a_second(token)
    assert other.ends_within_a_second(token)
    assert other.status(stays) == 200
    other.close()


def test_a_session_expires_and_is_then_no_longer_stored_as_ended(anna, tmp_path, until):
    front = Front(tmp_path, session_minutes=2 / 60)
    other, token = front.sign_in().token, front.sign_in().token  # so that the other is over, too, when the token is
    front.runner.run(front.keeper.close_session(f"Bearer {other}".encode()))
    assert front.status(token) == 200
    assert len(read(tmp_path).ended) == 1

    until(lambda: front.status(token) == 401)
    users.sign_out(tmp_path, "anna")
    assert read(tmp_path).ended == {}
    front.close()


def test_a_token_that_was_changed_or_signed_by_others_is_refused(anna, front, tmp_path):
    token = front.sign_in().token
    claims = jwt.decode(token.removeprefix("sls_"), options={"verify_signature": False})
    forged = [
        "sls_" + jwt.encode(claims, "0" * 64, "HS256"),
        "sls_" + jwt.encode(claims, None, "none"),
        "sls_" + jwt.encode(claims, read(tmp_path).session_secret, "HS512"),
        "sls_" + jwt.encode(claims | {"iss": "elsewhere"}, read(tmp_path).session_secret, "HS256"),
        "sls_" + jwt.encode({"iss": "slipway", "sub": "anna"}, read(tmp_path).session_secret, "HS256"),
        token.removeprefix("sls_"),
        token[:-3] + ("AAA" if token[-3:] != "AAA" else "BBB"),
        "sls_" + "a" * 20_000,
    ]

    assert [front.status(one) for one in forged] == [401] * len(forged)
    assert front.status(token) == 200


def test_without_a_secret_a_token_signed_with_an_empty_one_is_refused(anna, front):
    now = int(time.time())
    claims = {"iss": "slipway", "sub": "anna", "iat": now, "exp": now + 60, "jti": "1", "gen": "1"}
    unsigned = jwt.encode(claims, "0" * 64, "HS256").rpartition(".")[0]
    signature = base64.urlsafe_b64encode(hmac.digest(b"", unsigned.encode(), "sha256")).decode().rstrip("=")
    token = f"{unsigned}.{signature}"

    with pytest.raises(UnauthenticatedError, match="this session is over"):
        sessions.read("sls_" + token, "")
    assert front.status("sls_" + token) == 401


def test_all_sessions_end_when_the_secret_is_removed_from_the_file(anna, front, tmp_path):
    """What docs/security.md advises after a theft of the file."""
    users.add(tmp_path, "bert", "another-horse-battery-staple", GRANTS)
    tokens = [front.sign_in().token, front.sign_in("bert", "another-horse-battery-staple").token]
    path = tmp_path / "gateway" / "access.json"
    stolen = json.loads(path.read_text())

    path.write_text(json.dumps({name: value for name, value in stolen.items() if name != "session_secret"}))

    assert all(front.ends_within_a_second(token) for token in tokens)
    claims = jwt.decode(tokens[0].removeprefix("sls_"), options={"verify_signature": False})
    assert front.status("sls_" + jwt.encode(claims, stolen["session_secret"], "HS256")) == 401
    assert front.status(front.sign_in().token) == 200
    assert front.status(tokens[0]) == 401  # the new secret is another one


def test_wrong_passwords_delay_the_right_one_too_but_not_open_sessions(anna, tmp_path):
    front = Front(tmp_path, guessing=Guessing(Policy(free=1, lock_after=2, lock=60), Policy(free=50, lock_after=100)))
    token = front.sign_in().token
    for _ in range(2):
        with pytest.raises(UnauthenticatedError):
            front.sign_in(password="a wrong password")

    with pytest.raises(LockedOutError, match="Try again in 60 s"):
        front.sign_in()
    assert front.status(token) == 200
    front.close()


@pytest.mark.slow
def test_of_too_many_at_once_some_are_asked_to_try_again_and_none_is_counted_as_wrong(anna, tmp_path):
    guessing = Guessing(Policy(free=100, lock_after=200), Policy(free=MOST_WAITING + 10, lock_after=200))
    front = Front(tmp_path, guessing=guessing)

    async def all_at_once():
        attempts = [front.keeper.open_session("anna", PASSWORD, None, HOME) for _ in range(MOST_WAITING + 4)]
        return await asyncio.gather(*attempts, return_exceptions=True)

    results = front.runner.run(all_at_once())

    busy = [result for result in results if isinstance(result, UndecidedError)]
    assert len(busy) == 4
    assert {error.status for error in busy} == {503}
    assert guessing._addresses._find(HOME)[0] == 0
    front.close()


def test_a_user_of_that_name_stays_as_before_and_unknown_ones_are_named(anna, tmp_path):
    with pytest.raises(users.UserNameTakenError, match="slipway users rotate anna"):
        users.add(tmp_path, "anna", "another-horse-battery-staple", [Grant("audit")])
    with pytest.raises(users.UnknownUserError, match="there are: anna"):
        users.revoke(tmp_path, "hanna")

    assert users.known(tmp_path, "anna").grants == ("predict:heart-failure",)


def test_a_second_factor_is_replaced_or_taken_away_with_the_password(front, tmp_path):
    users.add(tmp_path, "anna", PASSWORD, GRANTS, with_second_factor=True)
    uri = users.rotate(tmp_path, "anna", PASSWORD, with_second_factor=True)
    assert front.sign_in(code=pyotp.parse_uri(uri).now()).token

    assert users.rotate(tmp_path, "anna", PASSWORD, with_second_factor=False) is None
    assert front.sign_in().token


def test_with_a_damaged_file_signing_in_is_unavailable_rather_than_refused(anna, front, tmp_path):
    (tmp_path / "gateway" / "access.json").write_text("{")

    with pytest.raises(UndecidedError) as error:
        front.sign_in()

    assert error.value.status == 503
    assert str(tmp_path) not in str(error.value)


def test_while_the_file_hangs_nobody_signs_in_and_the_thread_for_passwords_stays_free(anna, front, tmp_path, until):
    path = tmp_path / "gateway" / "access.json"
    front.sign_in()
    with hanging(path):
        for _ in range(2):
            with pytest.raises(UndecidedError, match="cannot be read"):
                front.sign_in()
        assert front.keeper._thread._work_queue.empty()
        assert front.keeper._waiting == 0

    def signs_in():
        with suppress(UndecidedError):
            return front.sign_in()

    until(lambda: signs_in() is not None, seconds=5)


def test_a_change_between_the_check_and_the_write_is_noticed(front, tmp_path):
    """Two workers are given the same code at the same moment: one of them finds it used when it writes."""
    from slipway.access.signing_in import Proof, _noted

    users.add(tmp_path, "anna", PASSWORD, GRANTS, with_second_factor=True)
    seen = users.known(tmp_path, "anna")

    (recovery, *_) = digests(users.renew_recovery_codes(tmp_path, "anna"))
    for proof in (Proof(7), Proof(0, recovery)):
        change(tmp_path, lambda content, proof=proof: _noted(content, "anna", seen, seen.password, proof))
        with pytest.raises(UnauthenticatedError):
            change(tmp_path, lambda content, proof=proof: _noted(content, "anna", seen, seen.password, proof))
    assert users.known(tmp_path, "anna").last_step == 7
