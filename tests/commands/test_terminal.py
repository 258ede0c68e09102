"""What commands print on a terminal, into a pipe, and when they are cancelled."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from deployments.terminal import layout, output
from deployments.terminal.command import still_answering
from slipway.bundle.store.active import Pointer, point
from slipway.catalogue import catalogue
from slipway.lifecycle.ledger import Ledger, entry
from slipway.records import Candidate
from slipway.settings import Settings
from tests.platform.conftest import free_ports

SLIPWAY = [sys.executable, "-m", "deployments.cli"]
RUN_URL = "http://127.0.0.1:4200/flow-runs/flow-run/0675b4e1-0000-7000-8000-123456789012"
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder whose ledger holds one promotion, with the address of its run."""
    candidate = Candidate(
        model="heart-failure", registered_as="heart_failure_logistic", version=1, run_id="1" * 32, bundle="", metrics={"accuracy": 0.875},
        confusion_matrix=[[1]], data_sha256="ab" * 32, sample=True,
    )  # fmt: skip
    why = "no worse than before on the same rows"
    promoted = entry("promoted", candidate, previous=None, aliases=["champion"], stage="Production", why=why, run_url=RUN_URL)
    Ledger(f"sqlite:///{tmp_path}/ledger.db").append(promoted)
    return tmp_path


def on_terminal(home: Path, *arguments: str, columns: int = 80, **environment: str) -> str:
    """Run a command on a terminal of so many columns; return what it shows."""
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    variables = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    variables |= {"TERM": "xterm", "SLIPWAY_HOME": str(home)} | environment
    process = subprocess.Popen([*SLIPWAY, *arguments], stdin=terminal, stdout=terminal, stderr=terminal, env=variables, close_fds=True)
    os.close(terminal)
    shown = b""
    while select.select([master], [], [], 240)[0]:
        try:
            part = os.read(master, 10_000)
        except OSError:  # the other end is closed
            break
        shown += part
    os.close(master)
    process.wait(timeout=60)
    return shown.decode().replace("\r\n", "\n")


def in_pipe(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = os.environ | {"SLIPWAY_HOME": str(home)} | environment
    return subprocess.run([*SLIPWAY, *arguments], env=variables, capture_output=True, text=True, timeout=240)


def test_a_table_fits_the_terminal_and_an_address_that_does_not_has_a_line_of_its_own(home: Path) -> None:
    shown = on_terminal(home, "history", "heart-failure")

    assert f"    {RUN_URL}\n" in shown  # whole, though it is wider than the terminal
    others = [ESCAPE.sub("", line) for line in shown.splitlines() if RUN_URL not in line]
    assert max(map(len, others)) <= 80
    for part in ("none -> 1", "accuracy 0.8750", "sample abababababab", "no worse than"):
        assert part in shown


def test_every_name_is_whole_on_a_narrow_terminal(home: Path) -> None:
    shown = on_terminal(home, "models", columns=60)

    for model in catalogue().values():
        assert model.name in shown
        assert model.registered_as in shown


def test_in_a_pipe_a_record_is_a_line_of_cells_between_tabs_whole_and_without_padding(home: Path) -> None:
    lines = in_pipe(home, "models", COLUMNS="40").stdout.splitlines()

    assert [line.split("\t")[0] for line in lines] == ["model", *catalogue()]
    described = {line.split("\t")[0]: line.split("\t")[4] for line in lines}
    assert described["heart-failure"] == catalogue()["heart-failure"].description
    assert "  " not in "".join(lines)


def test_a_sentence_ends_between_words_on_a_terminal_and_is_one_line_in_a_pipe(home: Path) -> None:
    shown = on_terminal(home, "release", "hart-failure")
    piped = in_pipe(home, "release", "hart-failure").stderr

    lines = [ESCAPE.sub("", line) for line in shown.splitlines()]
    assert len(lines) > 1
    assert max(map(len, lines)) <= 80
    assert " ".join(lines) + "\n" == piped
    assert piped.startswith("error: no model is called 'hart-failure'; the catalogue has: ")


def test_an_error_is_red_on_a_terminal_unless_no_color_is_set(home: Path) -> None:
    assert "\x1b[31merror: " in on_terminal(home, "release", "hart-failure")
    for without in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in on_terminal(home, "release", "hart-failure", **without)
    assert "\x1b" not in in_pipe(home, "release", "hart-failure").stderr


def test_help_lists_every_command_by_what_it_is_for_in_80_columns(home: Path) -> None:
    piped = in_pipe(home, "--help", COLUMNS="").stdout
    shown = on_terminal(home, "--help")

    assert re.findall(r"^(\w+):$", piped, re.MULTILINE) == ["Options", "Release", "Watch", "Serve", "Platform", "Access"]
    assert "..." not in piped.partition("Release:")[2]  # whole sentences
    assert max(map(len, piped.splitlines())) <= 80
    assert shown == piped


def test_version_is_that_of_the_project(home: Path) -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()

    assert in_pipe(home, "--version").stdout == f"slipway {re.search(r'^version = .(.+).$', project, re.MULTILINE)[1]}\n"  # type: ignore[index]


def test_the_shell_completes_commands_and_names_of_models(home: Path) -> None:
    program = Path(sys.executable).with_name("slipway")

    def completed(words: str, number: int) -> list[str]:
        environment = {"_SLIPWAY_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(number)}
        return subprocess.run([program], env=os.environ | environment, capture_output=True, text=True, timeout=240).stdout.split()

    assert completed("slipway ro", 1) == ["rollback"]
    assert completed("slipway release heart", 2) == ["heart-failure", "heart-failure-boosting"]
    assert completed("slipway history tel", 2) == ["telecom-churn"]
    script = subprocess.run(
        [program, "--show-completion", "bash"],
        env=os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},  # of Typer: the shell is named, not looked for
        capture_output=True,
        text=True,
        timeout=240,
    ).stdout
    assert "_SLIPWAY_COMPLETE=complete_bash" in script


@pytest.fixture(scope="module")
def without_platform(tmp_path_factory: pytest.TempPathFactory, with_tables: Callable[[Path], Path]) -> Iterator[dict[str, str]]:
    """The environment of a home where no platform is up. The first release starts the gateway, which stays until the end."""
    gateway, *own = free_ports(1 + len(catalogue()))
    environment = os.environ | {
        "SLIPWAY_HOME": str(with_tables(tmp_path_factory.mktemp("home"))),
        "SLIPWAY_GATEWAY_PORT": str(gateway),
        "SLIPWAY_MODEL_PORTS": json.dumps(dict(zip(catalogue(), own, strict=True))),
    }
    yield environment
    subprocess.run([*SLIPWAY, "down"], env=environment, check=True, capture_output=True)


@pytest.mark.drill
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_a_release_that_is_cancelled_ends_with_one_line_that_says_what_answers(
    number: int, status: int, without_platform: dict[str, str]
) -> None:
    arguments = ["release", "heart-failure", "--sample", "--trials", "500"]
    # a test run in the background ignores Ctrl-C, and its children would inherit that
    as_typed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        [*SLIPWAY, *arguments], env=without_platform, stderr=subprocess.PIPE, text=True, preexec_fn=as_typed
    ) as releasing:
        assert releasing.stderr
        while "heart-failure: trial " not in (line := releasing.stderr.readline()):
            assert line, "the release ended before its search began"
        releasing.send_signal(number)
        rest = releasing.stderr.read().splitlines()

    assert (releasing.returncode, rest[-1]) == (status, "cancelled; heart-failure has no version in service")
    assert [line for line in rest[:-1] if not re.match(r" *\d+\.\d s  ", line)] == []  # no traceback, no warning: log lines only
    with closing(sqlite3.connect(Path(without_platform["SLIPWAY_HOME"]) / "prefect" / "prefect.db")) as prefect:
        ended = prefect.execute("SELECT name, state_name FROM flow_run ORDER BY created DESC LIMIT 1").fetchone()
    assert ended == ("release-heart-failure", "Cancelled")


def test_a_cancelled_command_names_the_version_that_still_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path))
    settings = Settings.load()
    (settings.bundles / "heart-failure").mkdir(parents=True)
    point(settings.bundles, "heart-failure", Pointer(bundle="7-0123abcd", port=8001, installation="0" * 32))

    assert still_answering("heart-failure-boosting", settings) == "version 7 of heart-failure still answers"
    assert still_answering("diabetes", settings) == "diabetes has no version in service"


# layout


def test_what_stands_between_backticks_stays_on_one_line() -> None:
    lines = layout.wrapped("the platform is not up. Run `slipway up`, then the same command again.", 36)

    assert lines == ["the platform is not up. Run", "`slipway up`, then the same command", "again."]


def test_lines_of_a_message_keep_their_indent() -> None:
    assert layout.wrapped("last lines:\n    one two three", 12) == ["last lines:", "    one two", "    three"]


def test_columns_that_do_not_fit_are_written_below_their_row() -> None:
    table = layout.table(("model", "address", "why"), [("toy", "http://127.0.0.1:4200/a/long/address", "it was asked for")], 40)

    assert table == [
        "model",
        "toy",
        "  address:",
        "    http://127.0.0.1:4200/a/long/address",
        "  why: it was asked for",
    ]


def test_a_silent_command_shows_that_it_still_works(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert output.QUIET <= 10 - 1  # seconds: with the time that a busy machine adds, a line comes within ten
    monkeypatch.setattr(output, "QUIET", 0.2)
    follower = output.Follower()

    follower.emit(output.logging.LogRecord("slipway", 20, "", 0, "tuning", None, None))
    deadline, said = time.monotonic() + 30, ""
    while "still at work after: tuning" not in said and time.monotonic() < deadline:
        said += capfd.readouterr().err

    follower.close()
    assert "still at work after: tuning" in said
