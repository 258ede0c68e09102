"""`slipway check`: what is wrong in model files, line by line, for an editor or a pull request."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deployments.cli import app

pytestmark = pytest.mark.usefixtures("no_settings")

RIGHT = """from dataclasses import replace

from slipway.models.heart_failure import MODEL as HEART

MODEL = replace(
    HEART,
    name="ward-stay",
    registered_as="ward_stay",
    port=8990,
)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def check(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments])


def test_a_file_outside_of_the_catalogue_is_checked_and_each_line_is_named(folder: Path) -> None:
    (folder / "right.py").write_text(RIGHT)
    (folder / "wrong.py").write_text(RIGHT.replace("ward_stay", "team/ward").replace("8990,", '"8990",\n    gate=0.9,'))

    right, both, as_json = check("models/right.py"), check("models"), check("models/wrong.py", "--json")

    assert (right.exit_code, right.stdout, right.stderr) == (0, "", "1 model file: nothing is wrong\n")
    assert both.exit_code == as_json.exit_code == 1
    assert both.stdout.splitlines() == [
        "models/wrong.py:7: models/right.py has name='ward-stay' too; give one of the two another.".replace(
            "models/right", f"{folder}/right"
        ),
        "models/wrong.py:8: ward-stay: registered_as='team/ward' is no name for a model in MLflow: expected 1 to 256 characters without "
        "/, : and @. Write, for example, 'ward_stay'.",
        "models/wrong.py:9: ward-stay: port='8990' is a text; expected a whole number. Write it without quotation marks.",
        "models/wrong.py:10: ward-stay: gate=0.9 is a number; expected Gate(...). Write Gate(...).",
    ]
    assert both.stderr == "2 model files: 4 things are wrong\n"
    assert [(fault["file"], fault["line"]) for fault in json.loads(as_json.stdout)] == [("models/wrong.py", line) for line in (8, 9, 10)]


def test_without_a_file_the_catalogue_is_checked(folder: Path) -> None:
    ran = check()

    assert (ran.exit_code, ran.stdout) == (0, "")
    assert ran.stderr.endswith("model files: nothing is wrong\n")
