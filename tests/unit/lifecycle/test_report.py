"""A report shows the verdict, the figures beside the champion's, the matrix, and what was trained on sample rows."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from slipway.gate import Champion, judge
from slipway.lifecycle.report import release_report
from slipway.records import Candidate, Snapshot, Tuned
from slipway.spec import ModelSpec

PICTURE = b"\x89PNG a picture"


@pytest.fixture
def real() -> Snapshot:
    return Snapshot(
        model="heart-failure", path=Path("heart.csv"), sha256="ab" * 32, rows=1234, origin="https://rows.example/heart.csv", sample=False
    )


def report(
    spec: ModelSpec, snapshot: Snapshot, tuned: Tuned, candidate: Candidate, champion: Champion | None, url: str | None = None
) -> str:
    return release_report(
        spec, snapshot, tuned, candidate, judge(spec, candidate, champion), {"Confusion matrix": PICTURE, "Calibration": PICTURE}, url
    )


def test_a_release_that_passed_shows_verdict_figures_matrix_and_rows(
    heart: ModelSpec, real: Snapshot, tuned: Tuned, candidate: Candidate
) -> None:
    text = report(heart, real, tuned, candidate, Champion(1, {"accuracy": 0.85}, sample=False), "http://127.0.0.1:5000/#/runs/0123")

    assert text.startswith("# heart-failure: passed\n")
    assert "Candidate: version 2 of `heart_failure_logistic`. Champion: version 1." in text
    assert "[0123456789abcdef0123456789abcdef](http://127.0.0.1:5000/#/runs/0123)" in text
    assert "- ✓ **floor**: accuracy 0.8696 reaches the floor 0.8600" in text  # 160 / 184 = 0.86957
    assert "| accuracy | 0.8696 | 0.8500 |" in text
    assert "| roc_auc | 0.9300 |  |" in text  # the champion's is not known
    assert "| no heart disease | 68 | 14 |\n| heart disease | 10 | 92 |" in text
    for shown in ("Confusion matrix", "Calibration"):
        assert f"![{shown}](data:image/png;base64,{base64.b64encode(PICTURE).decode()})" in text
    assert "3 trials, 3 x 5 folds of the training rows, seed 42: accuracy 0.8700 with `C` = 0.5, `preparation.zeros` = keep." in text
    assert f"1,234 rows from `https://rows.example/heart.csv`, sha256 `{'ab' * 32}`." in text
    assert "sample" not in text.lower()


def test_baselines_stand_beside_candidate_and_champion(heart: ModelSpec, real: Snapshot, tuned: Tuned, candidate: Candidate) -> None:
    compared = candidate.model_copy(update={"baselines": {"most_frequent": {"accuracy": 102 / 184}, "reference": {"accuracy": 0.8}}})

    text = report(heart, real, tuned, compared, Champion(1, {"accuracy": 0.85}, sample=False))

    assert "| figure | candidate | champion | most frequent | reference |" in text
    assert "| accuracy | 0.8696 | 0.8500 | 0.5543 | 0.8000 |" in text  # 102 / 184 = 0.55435
    assert "| roc_auc | 0.9300 |  |  |  |" in text


def test_a_refusal_shows_which_rule_failed(heart: ModelSpec, real: Snapshot, tuned: Tuned, candidate: Candidate) -> None:
    text = report(heart, real, tuned, candidate, Champion(1, {"accuracy": 0.95}, sample=False))

    assert text.startswith("# heart-failure: refused\n")
    assert "- ✓ **floor**" in text
    assert "- ✗ **champion**: accuracy 0.8696 is worse than champion version 1 with 0.9500" in text


def test_a_model_of_sample_rows_carries_a_warning(heart: ModelSpec, snapshot: Snapshot, tuned: Tuned, candidate: Candidate) -> None:
    text = report(heart, snapshot, tuned, candidate, None)

    assert "**Trained on sample rows: not for use on patients or customers.**" in text
    assert "918 rows from `sample:heart-failure`" in text


def test_a_first_dry_run_shows_neither_version_nor_champion(heart: ModelSpec, real: Snapshot, tuned: Tuned, candidate: Candidate) -> None:
    text = report(heart, real, tuned, candidate.model_copy(update={"version": None}), None)

    assert "Candidate: not registered (dry run). Champion: none. MLflow run: `0123456789abcdef0123456789abcdef`." in text


def test_every_table_has_as_many_cells_in_each_row(heart: ModelSpec, real: Snapshot, tuned: Tuned, candidate: Candidate) -> None:
    text = report(heart, real, tuned, candidate, Champion(1, {"accuracy": 0.85}, sample=False))

    tables = [[line for line in block.splitlines() if line.startswith("|")] for block in text.split("\n## ")]
    found = [{line.count("|") for line in table} for table in tables if table]
    assert found == [{4}, {4}]  # figures; confusion matrix of two classes
