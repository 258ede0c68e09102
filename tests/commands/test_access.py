"""`slipway users` and `slipway keys` as a person or a script meets them."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

import pyotp
import pytest
from typer.testing import CliRunner

from deployments.cli import app
from slipway.access.gatekeeper import Gatekeeper
from slipway.access.refusals import UnauthenticatedError
from tests.support import forking

PASSWORD = "correct-horse-battery-staple"
SLIPWAY = [sys.executable, "-m", "deployments.cli"]


@pytest.fixture
def slipway(tmp_path):
    def run(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"SLIPWAY_HOME": str(tmp_path)}
        return forking.slipway(*arguments, environment=environment, typed=typed)

    return run


def acts(home: Path) -> list[tuple[str, str]]:
    from slipway.audit import Wanted, administration

    return [(act.what, act.about) for act in administration(home, Wanted())]


def caller(home: Path, credential: str):
    return asyncio.run(Gatekeeper(home).authenticate(b"Bearer " + credential.encode()))


def session(home: Path, code: str | None = None) -> str:
    return asyncio.run(Gatekeeper(home).open_session("anna", PASSWORD, code, "192.0.2.1")).token


def until_shown(terminal: int, text: bytes) -> bytes:
    shown = b""
    while text not in shown:
        assert select.select([terminal], [], [], 60)[0], f"{text!r} was not shown"
        shown += os.read(terminal, 1000)
    return shown


def until_echo_is_off(terminal: int) -> None:
    """What is typed before that is thrown away, as `getpass` does it."""
    deadline = time.monotonic() + 60
    while termios.tcgetattr(terminal)[3] & termios.ECHO:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("group", ["users", "keys"])
def test_every_command_has_help_with_an_example(group):
    from deployments.commands.access import keys_app, users_app

    assert CliRunner().invoke(app, [group, "--help"]).exit_code == 0
    commands = [command.name for command in (users_app if group == "users" else keys_app).registered_commands]
    assert {"add", "list", "roles", "rotate", "revoke"} <= set(commands)
    for command in commands:
        shown = CliRunner().invoke(app, [group, command, "--help"])
        assert shown.exit_code == 0
        assert f"For example: slipway {group} {command}" in " ".join(shown.stdout.split())


def test_a_key_is_printed_once_alone_works_is_rotated_and_revoked(slipway, tmp_path):
    added = slipway("keys", "add", "erp", "--role", "predict:diabetes", "--role", "outcome", "--days", "30")
    key = added.stdout.strip()
    assert (added.returncode, added.stdout) == (0, f"{key}\n")
    assert {str(grant) for grant in caller(tmp_path, key).grants} == {"predict:diabetes", "outcome"}

    (listed,) = json.loads(slipway("keys", "list", "--json").stdout)
    assert (listed["name"], listed["roles"]) == ("erp", ["outcome", "predict:diabetes"])
    assert listed["expires"]
    assert "erp" in slipway("keys", "list").stdout

    rotated = json.loads(slipway("keys", "rotate", "erp", "--json").stdout)["key"]
    assert str(caller(tmp_path, rotated)) == "key:erp"
    with pytest.raises(UnauthenticatedError):
        caller(tmp_path, key)

    assert slipway("keys", "roles", "erp", "--role", "operate").returncode == 0
    assert caller(tmp_path, rotated).may("operate")
    assert slipway("keys", "revoke", "erp").returncode == 0
    with pytest.raises(UnauthenticatedError):
        caller(tmp_path, rotated)
    logged = acts(tmp_path)
    assert {what for what, _ in logged} == {"add key", "rotate key", "change key's roles", "revoke key"}
    assert ("add key", "erp: outcome, predict:diabetes; for 30 days") in logged
    assert not [about for _, about in logged if "slw_" in about]


def test_a_user_with_a_second_factor_signs_in_with_what_the_commands_gave(slipway, tmp_path):
    arguments = ("users", "add", "anna", "--role", "predict", "--second-factor", "--password-stdin", "--json")
    shown = json.loads(slipway(*arguments, typed=f"{PASSWORD}\n").stdout)
    uri, codes = shown["second_factor_uri"], shown["recovery_codes"]

    assert len(codes) == 10
    with pytest.raises(UnauthenticatedError):
        session(tmp_path)
    token = session(tmp_path, pyotp.parse_uri(uri).now())
    assert str(caller(tmp_path, token)) == "user:anna"
    assert session(tmp_path, codes[0])

    (listed,) = json.loads(slipway("users", "list", "--json").stdout)
    assert (listed["name"], listed["roles"], listed["second_factor"]) == ("anna", ["predict"], True)
    assert slipway("users", "roles", "anna", "--role", "audit:diabetes").returncode == 0
    assert caller(tmp_path, token).may("audit", "diabetes")
    assert slipway("users", "sign-out", "anna").returncode == 0
    with pytest.raises(UnauthenticatedError):
        caller(tmp_path, token)

    assert slipway("users", "rotate", "anna", "--no-second-factor", "--password-stdin", typed=f"{PASSWORD}\r\n").stdout == ""
    assert session(tmp_path)
    assert slipway("users", "revoke", "anna").returncode == 0
    with pytest.raises(UnauthenticatedError):
        session(tmp_path)
    shown = str(acts(tmp_path))
    assert "anna: predict; with second factor" in shown
    assert PASSWORD not in shown
    assert pyotp.parse_uri(uri).secret not in shown


def test_on_a_terminal_a_second_factor_is_a_picture_too(capsys):
    from deployments.terminal.second_factor import draw

    draw("otpauth://totp/Slipway:anna?secret=ABCDEFGHIJKLMNOP&issuer=Slipway")

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) < 24  # a terminal of the usual height shows it whole
    assert {"\u2580", "\u2584"} <= set("".join(lines))


def test_a_key_may_belong_to_a_user(slipway, tmp_path):
    from slipway.access import keys

    assert "no user is called 'anna'" in slipway("keys", "add", "erp", "--role", "predict", "--owner", "anna").stderr
    slipway("users", "add", "anna", "--role", "predict", "--password-stdin", typed=f"{PASSWORD}\n")
    assert slipway("keys", "add", "erp", "--role", "predict", "--owner", "anna").returncode == 0
    assert slipway("keys", "rotate", "erp").returncode == 0

    assert keys.known(tmp_path, "erp").owner == "anna"
    assert ("add key", "erp: predict; of user anna") in acts(tmp_path)


def test_a_password_is_asked_for_twice_on_a_terminal_and_not_shown(tmp_path):
    ours, theirs = pty.openpty()
    command = [*SLIPWAY, "users", "add", "anna", "--role", "predict"]
    environment = os.environ | {"SLIPWAY_HOME": str(tmp_path)}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True) as running:
        os.close(theirs)
        shown = b""
        for expected in (b"Password", b"Repeat", b"is added"):
            shown += until_shown(ours, expected)
            if expected != b"is added":
                until_echo_is_off(ours)
                os.write(ours, f"{PASSWORD}\n".encode())
        assert running.wait(60) == 0
    os.close(ours)

    assert PASSWORD.encode() not in shown
    assert session(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("users", "revoke", "nobody"), "no user is called 'nobody'; there are: none"),
        (("keys", "rotate", "nothing"), "no key is called 'nothing'; there are: none"),
        (("keys", "add", "erp", "--role", "admin"), "role 'admin': expected one of predict, outcome, audit, operate"),
        (("keys", "add", "erp", "--role", "predict:nomodel"), "no model is called 'nomodel'; the catalogue has: aids-trial, "),
        (("users", "roles", "anna", "--role", "predict:heart-failure-boosting"), "challenges heart-failure and has no service"),
        (("keys", "add", "a b", "--role", "predict"), "expected 1 to 64 letters"),
        (("users", "add", "anna", "--role", "predict"), "give --password-stdin"),
        (("users", "add", "anna", "--role", "predict", "--password-stdin"), "expected 12 to 256 characters, received 0"),
    ],
)
def test_what_cannot_be_done_says_the_way_out_and_leaves_no_line_in_the_log(arguments, words, slipway, tmp_path):
    shown = slipway(*arguments)

    assert shown.returncode == 1
    assert words in " ".join(shown.stderr.split())
    assert "Traceback" not in shown.stderr
    assert acts(tmp_path) == []


def test_an_error_is_json_when_json_was_asked_for(slipway):
    assert json.loads(slipway("keys", "rotate", "nothing", "--json").stdout)["error"] == "UnknownKeyError"


def test_without_a_log_no_access_is_given_but_it_can_be_taken(slipway, tmp_path):
    key = slipway("keys", "add", "erp", "--role", "predict").stdout.strip()
    log = tmp_path / "gateway" / "audit.db"
    for file in log.parent.glob("audit.db*"):
        file.unlink()
    log.mkdir()

    assert slipway("keys", "add", "other", "--role", "predict").returncode == 1
    assert [row["name"] for row in json.loads(slipway("keys", "list", "--json").stdout)] == ["erp"]
    assert slipway("keys", "revoke", "erp").returncode == 1  # done, and loud about the log
    with pytest.raises(UnauthenticatedError):
        caller(tmp_path, key)


def test_nobody_yet_is_said_in_words_and_as_an_empty_list(slipway):
    assert "slipway users add" in slipway("users", "list").stderr
    assert json.loads(slipway("keys", "list", "--json").stdout) == []
