"""`slipway new`: a table becomes a model's file, which is never replaced unasked and which the catalogue takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from deployments.cli import app

pytestmark = pytest.mark.usefixtures("no_settings")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    random = np.random.default_rng(3)
    age, urgent = random.integers(18, 90, 300), random.random(300) < 0.5
    rows = pd.DataFrame({"visit_id": range(300), "age": age, "urgent": urgent, "long_stay": (age + 30 * urgent > 65).astype(int)})
    rows.loc[::7, "long_stay"] = 1 - rows.loc[::7, "long_stay"]
    rows.to_csv(tmp_path / "stays.csv", index=False)
    return tmp_path / "stays.csv"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new(*arguments: object, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, ["new", *map(str, arguments)], input=typed)


def test_a_table_becomes_a_file_and_the_next_command_is_said(home: Path, table: Path):
    made = new("ward-stay", table, "--target", "long_stay")

    assert made.exit_code == 0, made.output
    assert "visit_id\tleft out\tit names the row: every value is different" in made.stdout
    assert "300 rows; long_stay is one of 0, 1; tuned by accuracy, the floor is " in made.stdout
    assert "models/ward_stay.py is written; the lines with TODO are yours to fill in" in made.stdout
    assert made.stdout.splitlines()[-1] == "next: SLIPWAY_MODELS=models slipway release ward-stay --dry-run"
    assert (home / "models" / "ward_stay.py").read_text().startswith('"""Long stay from 2 columns of stays.csv')


def test_run_again_it_changes_nothing_and_shows_what_differs(home: Path, table: Path):
    path = home / "models" / "ward_stay.py"
    new("ward-stay", table, "--target", "long_stay")
    drafted = path.read_text()

    again = new("ward-stay", table, "--target", "long_stay")
    path.write_text(drafted.replace("TODO: what ward-stay is for", "To plan beds"))
    edited = path.read_text()
    differs = new("ward-stay", table, "--target", "long_stay")
    as_json = new("ward-stay", table, "--target", "long_stay", "--json")

    assert (again.exit_code, differs.exit_code, as_json.exit_code) == (0, 3, 3)
    assert "models/ward_stay.py is as it was drafted" in again.stdout
    assert '-        intended_use="To plan beds' in differs.stdout
    assert "differs from the draft and is as it was; --yes replaces it" in differs.stdout
    assert json.loads(as_json.stdout)["written"] is False
    assert path.read_text() == edited

    replaced = new("ward-stay", table, "--target", "long_stay", "--yes")

    assert replaced.exit_code == 0
    assert path.read_text() == drafted


def test_two_drafts_in_one_folder_have_two_ports_and_the_catalogue_takes_both(home: Path, table: Path):
    new("ward-stay", table, "--target", "long_stay", "--to", "mine")
    new("ward-age", table, "--target", "urgent", "--to", "mine")

    environment = os.environ | {"SLIPWAY_MODELS": str(home / "mine")}
    listed = subprocess.run([sys.executable, "-m", "deployments.cli", "models", "--json"], env=environment, capture_output=True, text=True)

    ports = {model["name"]: model["port"] for model in json.loads(listed.stdout)}
    assert (ports["ward-stay"], ports["ward-age"]) == (8201, 8202)
    assert "left out" not in listed.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("heart-failure", "stays.csv", "--target", "long_stay"), "the catalogue has a model 'heart-failure' already"),
        (("ward-stay", "nowhere.csv", "--target", "long_stay"), "there is no file nowhere.csv"),
        (("ward-stay", ".", "--target", "long_stay"), ". cannot be read as a file (Is a directory)"),
        (("ward-stay", "sql+sqlite:///crm.db", "--target", "long_stay"), "is a database: say what to read from it with --query"),
        (("ward-stay", "stays.csv", "--target", "long_stay", "--query", "SELECT 1"), "stays.csv is no database, so it takes no --query"),
        (("ward-stay", "stays.csv", "--target", "long"), "no column 'long'. Did you mean 'long_stay'?"),
        (("ward-stay", "stays.csv", "--target", "long_stay", "--to", "stays.csv"), "cannot be written"),
    ],
)
def test_what_cannot_be_drafted_is_one_sentence_and_writes_nothing(home: Path, table: Path, arguments: tuple[str, ...], message: str):
    refused = new(*arguments)

    assert refused.exit_code == 1
    assert message in refused.stderr
    assert "Traceback" not in refused.output
    assert not (home / "models").exists()
