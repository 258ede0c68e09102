"""`slipway samples`: statistics of a model's rows beside its file, for `release --sample`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from deployments.cli import app

pytestmark = pytest.mark.usefixtures("no_settings")

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def slipway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Commands of a person with one model, in processes of their own, because the folder of models is read when one begins."""
    random = np.random.default_rng(3)
    age, urgent = random.integers(18, 90, 300), random.random(300) < 0.5
    long = ((age + 30 * urgent > 65) ^ (random.random(300) < 0.2)).astype(int)
    pd.DataFrame({"age": age, "urgent": urgent, "long_stay": long}).to_csv(tmp_path / "stays.csv", index=False)
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    drafted = CliRunner().invoke(app, ["new", "ward-stay", str(tmp_path / "stays.csv"), "--target", "long_stay"])
    assert drafted.exit_code == 0, drafted.output
    environment = os.environ | {"SLIPWAY_MODELS": str(tmp_path / "models")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "deployments.cli", *arguments], env=environment, capture_output=True, text=True)

    return run


def test_statistics_are_written_beside_the_model_once_and_the_next_command_is_said(slipway: Command, tmp_path: Path):
    first = slipway("samples", "ward-stay")
    again = slipway("samples", "ward-stay", "stays.csv", "--json")

    kept = tmp_path / "models" / "ward_stay.statistics.json"
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines() == [
        f"{kept} is written: quantiles and counts of 300 rows, and no row",
        "next: slipway release ward-stay --sample, on 300 generated rows",
    ]
    assert json.loads(again.stdout) == {"model": "ward-stay", "file": str(kept), "written": False, "rows": 300, "sample_rows": 300}


def test_a_file_that_is_not_there_is_one_sentence(slipway: Command, tmp_path: Path):
    refused = slipway("samples", "ward-stay", "nowhere.csv")

    assert refused.returncode == 1
    assert "ward-stay: there is no file nowhere.csv" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "models" / "ward_stay.statistics.json").exists()
