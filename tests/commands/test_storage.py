"""Every command that writes ends with one sentence when the disk is full or read-only: what, where, what to do."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from slipway import audit
from slipway.access import keys
from slipway.lifecycle.ledger import Ledger
from tests.support.disks import small_disk

pytestmark = pytest.mark.slow  # some of the commands import MLflow before they write

WHY = "a reason that is long enough"
COMMANDS = [
    ("keys", "add", "erp", "--role", "predict"),
    ("users", "add", "anna", "--role", "predict", "--password-stdin"),
    ("certs",),
    ("audit", "prune", "--older-than", "3d"),
    ("release", "heart-failure", "--sample"),
    ("fleet", "--sample"),
    ("rollback", "heart-failure", "--because", WHY),
    ("challenge", "heart-failure", "--version", "1"),
    ("promote", "heart-failure", "--because", WHY),
    ("watch", "heart-failure"),
    ("score", "heart-failure", __file__),
    ("up",),
]


@pytest.fixture(scope="module", params=["full", "read-only"])
def home(request, tmp_path_factory):
    with small_disk(tmp_path_factory.mktemp("small") / "disk") as disk:
        home = disk.folder / "home"
        keys.add(home, "local", keys.generate())
        audit.record_act(home, "anna", "made a key", "local")
        Ledger(f"sqlite:///{home}/ledger.db")._engine.dispose()  # an open file would keep the disk writable
        disk.fill() if request.param == "full" else disk.make_read_only()
        yield home


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_it_ends_with_one_sentence(arguments, home, monkeypatch, free_port_settings):
    monkeypatch.setenv("SLIPWAY_HOME", str(home))

    ended = CliRunner().invoke(app, arguments, input="four random words do well\n")

    assert ended.exit_code == 1, ended.output
    assert isinstance(ended.exception, SystemExit)  # no other error, and so no traceback
    (error,) = [line for line in ended.stderr.splitlines() if line.startswith("error:")]
    assert str(home) in error
    assert any(words in error for words in ("the disk is full", "0 MB left", "read-only"))
    assert "then try again." in error or "nothing was changed" in error
    assert "SELECT" not in error


@pytest.mark.parametrize("arguments", [("history",), ("models",), ("keys", "list")], ids=" ".join)
def test_what_only_reads_works(arguments, home, monkeypatch, free_port_settings):
    monkeypatch.setenv("SLIPWAY_HOME", str(home))

    assert CliRunner().invoke(app, arguments).exit_code == 0


@pytest.fixture
def free_port_settings(no_settings, monkeypatch):
    """Ports on which nothing listens, so that no other platform of this machine is found."""
    for name in ("PREFECT", "MLFLOW", "GATEWAY"):
        monkeypatch.setenv(f"SLIPWAY_{name}_PORT", "1")
