"""Keys and their file: their roles, when they become valid, and what a reader sees while the file is replaced."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import stat
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from slipway.access import keys
from slipway.access.callers import Caller, Grant, InvalidGrantError, InvalidNameError
from slipway.access.gatekeeper import Gatekeeper
from slipway.access.records import DamagedAccessFileError, read
from slipway.access.refusals import AccessError, ForbiddenError, UnauthenticatedError, UndecidedError
from slipway.access.store import AccessStore
from tests.support.hanging import hanging

PREDICT = (Grant("predict"),)


def bearer(key: str) -> bytes:
    return f"Bearer {key}".encode()


def status(gatekeeper: Gatekeeper, key: str) -> int:
    try:
        asyncio.run(gatekeeper.authenticate(bearer(key)))
    except AccessError as error:
        return error.status
    return 200


def seconds_until(gatekeeper: Gatekeeper, key: str, wanted: int) -> float:
    started = time.monotonic()
    while status(gatekeeper, key) != wanted:
        assert time.monotonic() - started < 5
        time.sleep(0.01)
    return time.monotonic() - started


@pytest.mark.parametrize(
    ("grants", "role", "model", "allowed"),
    [
        ("predict", "predict", "heart-failure", True),
        ("predict", "predict", None, True),
        ("predict", "audit", "heart-failure", False),
        ("predict:heart-failure", "predict", "heart-failure", True),
        ("predict:heart-failure", "predict", "diabetes", False),
        ("predict:heart-failure", "predict", None, False),
        ("audit:diabetes", "audit", "diabetes", True),
    ],
)
def test_a_role_counts_for_every_model_or_the_one_it_names(grants, role, model, allowed):
    assert Caller("anna", "user", frozenset([Grant.parse(grants)])).may(role, model) is allowed


def test_an_error_about_a_missing_role_says_how_to_grant_it():
    caller = Caller("anna", "user", frozenset([Grant("predict", "diabetes")]))

    with pytest.raises(ForbiddenError, match=r"user:anna: expected the role 'audit' for diabetes.*slipway users roles anna") as error:
        caller.require("audit", "diabetes")

    assert (error.value.status, error.value.code) == (403, "PERMISSION_DENIED")
    assert caller.sees("diabetes")
    assert not caller.sees("heart-failure")


@pytest.mark.parametrize("text", ["", "admin", "predict:", "predict:../x", "predict:a:b", "PREDICT"])
def test_an_unknown_role_is_refused_with_a_list_of_the_roles(text):
    with pytest.raises(InvalidGrantError, match="predict, outcome, audit, operate"):
        Grant.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "-a", "a" * 65, "å"])
def test_a_name_that_a_log_or_a_shell_would_garble_is_refused(name, tmp_path):
    with pytest.raises(InvalidNameError):
        keys.issue(tmp_path, name, PREDICT)


def test_a_key_lets_its_holder_in_with_its_roles_and_is_stored_as_a_hash_for_its_owner(tmp_path):
    key = keys.issue(tmp_path, "erp", [Grant("predict", "diabetes")])

    caller = asyncio.run(Gatekeeper(tmp_path).authenticate(b"bearer  " + key.encode() + b" "))

    assert (str(caller), caller.grants) == ("key:erp", {Grant("predict", "diabetes")})
    path = tmp_path / "gateway" / "access.json"
    assert key not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.holder(tmp_path, key) == "erp"


@pytest.mark.parametrize("header", [None, b"", b"Bearer", b"Bearer  ", b"Basic YTpi", b"Bearer \xe9", b"Bearer a.b.c", b"Bearer sls_x.y.z"])
def test_all_other_credentials_get_the_same_error_which_does_not_repeat_them(header, tmp_path):
    keys.issue(tmp_path, "erp", PREDICT)

    with pytest.raises(UnauthenticatedError) as error:
        asyncio.run(Gatekeeper(tmp_path).authenticate(header))

    assert (error.value.status, error.value.headers) == (401, ((b"www-authenticate", b'Bearer realm="slipway"'),))
    assert "a.b.c" not in str(error.value)


def test_a_running_reader_accepts_a_new_key_at_once_and_refuses_a_revoked_one_within_a_second(tmp_path):
    gatekeeper = Gatekeeper(tmp_path)
    other = keys.issue(tmp_path, "other", PREDICT)
    assert status(gatekeeper, other) == 200
    key = keys.issue(tmp_path, "erp", PREDICT)
    assert status(gatekeeper, key) == 200  # looked at afresh before it is refused

    replaced = keys.rotate(tmp_path, "erp")
    assert seconds_until(gatekeeper, key, 401) < 1
    assert status(gatekeeper, replaced) == 200

    keys.revoke(tmp_path, "erp")
    assert seconds_until(gatekeeper, replaced, 401) < 1
    assert status(gatekeeper, other) == 200


def test_a_key_keeps_its_roles_and_expiry_when_it_is_rotated(tmp_path):
    keys.issue(tmp_path, "erp", [Grant("outcome", "diabetes")], days=2)
    before = keys.listed(tmp_path)["erp"]

    keys.rotate(tmp_path, "erp")

    after = keys.listed(tmp_path)["erp"]
    assert (after.grants, after.expires) == (("outcome:diabetes",), before.expires)
    assert after.sha256 != before.sha256


def test_a_key_ends_by_itself_when_its_days_are_over(tmp_path):
    gatekeeper = Gatekeeper(tmp_path)
    key = keys.issue(tmp_path, "erp", PREDICT, days=1 / keys.DAY)

    assert status(gatekeeper, key) == 200
    assert seconds_until(gatekeeper, key, 401) < 2


def test_roles_are_replaced_while_the_key_stays(tmp_path, until):
    gatekeeper = Gatekeeper(tmp_path)
    key = keys.issue(tmp_path, "erp", PREDICT)

    keys.grant(tmp_path, "erp", [Grant("operate")])

    until(lambda: asyncio.run(gatekeeper.authenticate(bearer(key))).grants == {Grant("operate")}, seconds=1)


def test_a_name_is_used_once_and_an_unknown_one_is_answered_with_a_list_of_the_names(tmp_path):
    key = keys.issue(tmp_path, "erp", PREDICT)

    with pytest.raises(keys.KeyNameTakenError, match="slipway keys rotate erp"):
        keys.issue(tmp_path, "erp", PREDICT)
    with pytest.raises(keys.UnknownKeyError, match="there are: erp"):
        keys.revoke(tmp_path, "epr")
    with pytest.raises(keys.WeakKeyError, match="received 6"):
        keys.add(tmp_path, "me", "secret")

    assert status(Gatekeeper(tmp_path), key) == 200


@pytest.mark.parametrize("content", ["{", "[]", '{"keys": {"a": {}}}', '{"surprise": 1}'])
def test_a_damaged_file_refuses_everybody_is_reported_and_is_not_overwritten(content, tmp_path, caplog):
    gatekeeper = Gatekeeper(tmp_path)
    key = keys.issue(tmp_path, "erp", PREDICT)
    assert status(gatekeeper, key) == 200
    path = tmp_path / "gateway" / "access.json"
    whole = path.read_text()

    path.write_text(content)
    assert seconds_until(gatekeeper, key, 503) < 1
    with pytest.raises(UndecidedError, match="file of users and keys is damaged"):
        asyncio.run(gatekeeper.authenticate(bearer(key)))
    with pytest.raises(DamagedAccessFileError, match="Put a copy of it back, or delete it"):
        keys.issue(tmp_path, "new", PREDICT)
    assert path.read_text() == content
    assert sum("until the access file is repaired" in record.message for record in caplog.records) == 1

    path.write_text(whole)
    assert seconds_until(gatekeeper, key, 200) < 1


def test_a_pipe_in_the_place_of_the_file_counts_as_damaged(tmp_path):
    key = keys.issue(tmp_path, "erp", PREDICT)
    path = tmp_path / "gateway" / "access.json"
    path.rename(tmp_path / "aside")
    os.mkfifo(path)
    gatekeeper = Gatekeeper(tmp_path)

    assert status(gatekeeper, key) == 503
    with pytest.raises(DamagedAccessFileError, match="expected a regular file, received another kind"):
        keys.issue(tmp_path, "new", PREDICT)

    (tmp_path / "aside").rename(path)
    assert seconds_until(gatekeeper, key, 200) < 1


def test_a_file_that_could_not_be_read_for_want_of_descriptors_is_read_again(tmp_path, caplog):
    key = keys.issue(tmp_path, "erp", PREDICT)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def main() -> None:
        gatekeeper = Gatekeeper(tmp_path)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            for _ in range(3):
                with pytest.raises(UndecidedError):
                    await gatekeeper._store.look()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await gatekeeper._store.look()
        assert (await gatekeeper.authenticate(bearer(key))).name == "erp"

    asyncio.run(main())
    assert len(caplog.records) == 1


def test_a_file_that_hangs_holds_up_nothing_else_and_is_reported(tmp_path, caplog):
    key = keys.issue(tmp_path, "erp", PREDICT)
    path = tmp_path / "gateway" / "access.json"

    async def main() -> None:
        store = AccessStore(tmp_path, patience=0.5)
        await store.look()
        with hanging(path):
            looking = [asyncio.create_task(store.look()) for _ in range(3)]
            started = time.monotonic()
            await asyncio.sleep(0)
            assert time.monotonic() - started < 0.2  # the event loop goes on
            for look in looking:
                with pytest.raises(UndecidedError, match="file of users and keys cannot be read"):
                    await look
            assert time.monotonic() - started < 5
            assert store.problem() == "access.json cannot be read, so all requests are refused; the log says what to do"
        while store.problem():
            with suppress(UndecidedError):
                await store.look()
            await asyncio.sleep(0.01)
        assert keys.digest(key.encode()) in (await store.look()).keys

    asyncio.run(main())
    assert [record.message for record in caplog.records] == [
        "all requests are refused until the access file can be read: the file of users and keys was not read within 0 s. "
        "Look at the disk or mount it is on."
    ]


def test_a_file_with_an_unknown_grant_counts_as_damaged(tmp_path):
    key = keys.issue(tmp_path, "erp", PREDICT)
    path = tmp_path / "gateway" / "access.json"
    path.write_text(path.read_text().replace('"predict"', '"everything"'))

    assert status(Gatekeeper(tmp_path), key) == 503


def test_keys_of_the_earlier_file_are_valid_and_move_with_the_first_change(tmp_path):
    old, folder = keys.generate(), tmp_path / "gateway"
    folder.mkdir()
    entry = {"name": "local", "sha256": keys.digest(old.encode()).hex(), "created_at": "2026-11-01T00:00:00+00:00"}
    (folder / "keys.json").write_text(json.dumps({"keys": [entry]}))
    gatekeeper = Gatekeeper(tmp_path)
    assert asyncio.run(gatekeeper.authenticate(bearer(old))).grants == set(keys.OWN)

    new = keys.issue(tmp_path, "erp", PREDICT)

    assert not (folder / "keys.json").exists()
    assert seconds_until(gatekeeper, new, 200) < 1
    assert status(gatekeeper, old) == 200
    assert sorted(read(tmp_path).keys) == ["erp", "local"]


def test_many_writers_at_once_lose_nothing_and_a_reader_never_sees_a_part(tmp_path):
    keys.issue(tmp_path, "first", PREDICT)
    program = "import sys; from pathlib import Path; from slipway.access import keys; from slipway.access.callers import Grant\n"
    program += "for n in range(15): keys.issue(Path(sys.argv[1]), f'{sys.argv[2]}-{n}', [Grant('predict')])"
    writers = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), f"writer{n}"]) for n in range(3)]
    seen = []
    while any(writer.poll() is None for writer in writers):
        seen.append(len(read(tmp_path).keys))  # raises when it is damaged

    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert seen == sorted(seen)
    assert len(read(tmp_path).keys) == 1 + 3 * 15
    assert [path.name for path in (tmp_path / "gateway").iterdir() if path.name.startswith(".access")] == []


def test_threads_of_one_process_lose_nothing_either(tmp_path):
    threads = [threading.Thread(target=keys.issue, args=(tmp_path, f"key-{n}", PREDICT)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(read(tmp_path).keys) == 10


def test_no_secret_is_shown(tmp_path):
    from rich.pretty import pretty_repr

    key = keys.issue(tmp_path, "erp", PREDICT)
    hashed = keys.listed(tmp_path)["erp"].sha256
    gatekeeper = Gatekeeper(tmp_path)
    status(gatekeeper, key)

    for value in (keys.listed(tmp_path), read(tmp_path), asyncio.run(gatekeeper._store.look())):
        for shown in (repr(value), str(value), pretty_repr(value)):
            assert hashed not in shown
            assert key not in shown


def test_a_gateway_whose_callers_have_keys_loads_none_of_the_heavy_libraries(tmp_path: Path):
    key = keys.issue(tmp_path, "erp", PREDICT)
    program = """
import asyncio, os, sys
from pathlib import Path
from slipway.access.gatekeeper import Gatekeeper
asyncio.run(Gatekeeper(Path(sys.argv[1])).authenticate(b"Bearer " + os.environ["KEY"].encode()))
heavy = {"argon2", "pyotp", "jwt", "cryptography", "pydantic", "filelock", "prefect", "mlflow", "pandas", "numpy"}
print(sorted(heavy & set(sys.modules)))
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"KEY": key})

    assert shown.stdout.strip() == "[]"
