"""A command imports what it needs when it needs it: those that train nothing never load a training library, the others speak first."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployments import cli
from slipway import models
from slipway.lifecycle.ledger import Ledger, entry
from slipway.records import Candidate

HEAVY = {"sklearn", "optuna", "pandas", "mlflow", "prefect"}
IMPORTED = re.compile(r"import time: +\d+ \| +\d+ \| +(\w+)$")
NOWHERE = {"SLIPWAY_PREFECT_PORT": "9", "SLIPWAY_GATEWAY_PORT": "9", "SLIPWAY_MLFLOW_PORT": "9"}  # nobody answers on the discard port


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with a ledger, a user and a key, and an index of the catalogue."""
    home = tmp_path_factory.mktemp("home")
    candidate = Candidate(
        model="heart-failure", registered_as="heart_failure_logistic", version=1, run_id="1" * 32, bundle="", metrics={"accuracy": 0.875},
        confusion_matrix=[[1]], data_sha256="ab" * 32, sample=True,
    )  # fmt: skip
    promoted = entry("promoted", candidate, previous=None, aliases=["champion"], stage="Production", why="[no worse]")
    Ledger(f"sqlite:///{home}/ledger.db").append(promoted)
    slipway(home, "models")
    slipway(home, "users", "add", "anna", "--role", "predict", "--password-stdin", typed="correct-horse-battery-staple\n")
    slipway(home, "keys", "add", "erp", "--role", "predict")
    return home


def slipway(home: Path, *arguments: str, typed: str = "") -> list[str]:
    """Run a command; return the lines of its standard error, in which Python also writes what it imports, as it does."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "deployments.cli", *arguments],
        input=typed,
        cwd=home,
        env=os.environ | NOWHERE | {"SLIPWAY_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert "Traceback" not in ran.stderr, ran.stderr[-2000:]
    return ran.stderr.splitlines()


FORKING = """
import json, os, sys, traceback
import deployments.cli

for line in sys.stdin:
    sys.argv = ["slipway", *json.loads(line)]
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        print(flush=True)
        continue
    with open("shown", "w") as shown:
        os.dup2(shown.fileno(), 1)
        os.dup2(shown.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        deployments.cli.main()
    except SystemExit:
        pass
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    with open("loaded", "w") as loaded:
        loaded.write(chr(10).join(sys.modules))
    os._exit(0)
"""


@pytest.fixture(scope="module")
def loaded(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., set[str]]]:
    """Run a command in a process that was forked when only the commands were imported; return the modules it has loaded at its end."""
    folder = tmp_path_factory.mktemp("loaded")
    environment = os.environ | NOWHERE | {"SLIPWAY_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", FORKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment
    ) as forking:
        assert forking.stdin
        assert forking.stdout

        def run(*arguments: str) -> set[str]:
            (folder / "loaded").unlink(missing_ok=True)
            print(json.dumps(arguments), file=forking.stdin, flush=True)
            assert forking.stdout.readline(), "the process that forks has ended"
            shown = (folder / "shown").read_text()
            assert "Traceback" not in shown, shown[-2000:]
            return set((folder / "loaded").read_text().splitlines())

        yield run
        forking.stdin.close()


def heavy(lines: list[str]) -> set[str]:
    return {found[1] for line in lines if (found := IMPORTED.match(line))} & HEAVY


def names() -> list[str]:
    return [
        command.name or command.callback.__name__
        for command in [*cli.app.registered_commands, *cli.app.registered_groups]
        if command.name or command.callback
    ]


@pytest.mark.parametrize("arguments", [(), ("--version",), *[(name,) for name in names()]], ids=" ".join)
def test_help_imports_neither_a_training_library_nor_the_settings(arguments: tuple[str, ...], loaded: Callable[..., set[str]]) -> None:
    modules = loaded(*arguments, *(() if "--version" in arguments else ("--help",)))

    assert "deployments.cli" in modules
    assert modules & (HEAVY | {"pydantic_settings", "rich", "httpx", "slipway.settings"}) == set()


@pytest.mark.parametrize(
    "command",
    [
        "models",
        "models --json",
        "history",
        "history heart-failure --json",
        "approvals",
        "approve heart-failure --because better",
        "reject heart-failure --because worse",
        "status",
        "down",
        "notify",
        "watch heart-failure --show",
        "watch heart-failure --freeze --because holidays",
        "outcomes heart-failure outcomes.csv",
        "outcomes heart-failure --history 01a1ffcdba64e5da1e123190-0",
        "users list",
        "users roles anna --role audit",
        "users sign-out anna",
        "keys list",
        "keys roles erp --role audit",
        "keys rotate erp",
        "audit show",
        "audit show --administration",
        "audit prune --older-than 400d",
        "certs",
        "backup ../backup.tar.gz",
        "restore ../backup.tar.gz",
        # refused before anything is needed
        "release hart-failure",
        "data hart-failure",
        "fleet hart-failure",
        "rollback hart-failure --because worse",
        "promote hart-failure --because better",
        "challenge hart-failure --version 2",
        "score hart-failure rows.csv",
        "simulate hart-failure --drift none",
        "watch hart-failure",
    ],
)
def test_a_command_that_trains_nothing_loads_no_training_library(command: str, loaded: Callable[..., set[str]]) -> None:
    assert loaded(*command.split()) & HEAVY == set()


def test_a_check_of_a_file_loads_only_what_the_file_needs(loaded: Callable[..., set[str]]) -> None:
    modules = loaded("check", str(Path(models.__file__).parent / "heart_failure.py"))

    assert {"sklearn.linear_model", "optuna.distributions"} <= modules
    assert (
        modules & {"scipy.stats", "scipy.interpolate", "numpy.f2py", "pandas", "narwhals", "redis", "skops", "mlflow", "prefect"} == set()
    )


@pytest.mark.parametrize(
    ("command", "first"),
    [
        ("rollback heart-failure --because worse", "rollback of heart-failure: the version before is tested, then put back into service"),
        ("promote heart-failure --because better", "promotion of heart-failure: the gate judges the challenger against the champion"),
        ("release heart-failure --sample --approval", "release of heart-failure: sample rows"),
        ("challenge heart-failure --version 2", "challenge of heart-failure: version 2 is fetched from the registry"),
        ("data heart-failure", "heart-failure: the snapshots in the home folder are compared"),
        ("simulate heart-failure --drift none", "simulation of heart-failure: drift none"),
        ("deploy", "asking Prefect at http://127.0.0.1:9 for its deployments"),
    ],
)
def test_a_command_that_needs_them_says_first_what_it_begins(command: str, first: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:  # no gateway can be started on its port, so that none is left running
        monkeypatch.setitem(NOWHERE, "SLIPWAY_GATEWAY_PORT", str(taken.getsockname()[1]))
        lines = slipway(home, *command.split())

    assert first in lines
    assert heavy(lines[: lines.index(first)]) == set()
