"""A file is scored like the measured model answers, completely or not at all."""

from __future__ import annotations

import csv
import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from slipway.bundle.contract import MANIFEST
from slipway.bundle.store.active import install
from slipway.errors import BundleError, InvalidRowsError, ScoringError
from slipway.files.checksums import checksum
from slipway.scoring import running
from slipway.scoring.job import job
from slipway.scoring.workspace import workspace


@pytest.fixture
def served(settings, heart, write_bundle, tmp_path):
    """Put a bundle of heart-failure into service, its contract changed by keywords; return its folder in the store."""

    def serve(**changes):
        pointer = install(write_bundle(tmp_path / "bundle", **changes).folder, settings.bundles, heart.port)
        return settings.bundles / heart.name / pointer.bundle

    return serve


@pytest.fixture
def score(settings, heart):
    """Score a file by the version in service."""

    def run(source, destination=None, show=lambda _: None, **options):
        asked = job(heart.name, str(source), destination, **options)
        with workspace(asked, settings) as folder:
            return running.score(heart, asked, source, folder, settings, show)

    return run


@pytest.fixture
def patients(rows, tmp_path):
    """The test rows as in a hospital: with an id before and the diagnosis after them."""
    frame = rows.test.assign(HeartDisease=rows.test_labels)
    frame.insert(0, "patient", [f"P-{number:04d}" for number in range(len(frame))])
    path = tmp_path / "patients.csv"
    frame.to_csv(path, index=False)
    return path


def spoilt(path, **cells):
    """Write `<row>_<column>="text"` into a CSV."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    for place, cell in cells.items():
        row, column = place.removeprefix("row").split("_", 1)
        frame.loc[int(row), column] = cell
    frame.to_csv(path, index=False)


def test_every_row_is_answered_as_by_the_measured_model(served, score, patients, measured):
    folder = served()

    scored = score(patients)

    found = pd.read_csv(scored.destination)
    rows = len(measured.evaluation.labels)
    assert scored.destination == patients.with_name("patients.predictions.csv")
    assert list(found) == ["row", "patient", "HeartDisease", "label", "meaning", "probability_0", "probability_1", "version"]
    assert found["row"].tolist() == list(range(rows))
    assert found["patient"].tolist() == [f"P-{number:04d}" for number in range(rows)]
    assert found["label"].tolist() == measured.evaluation.labels
    assert np.abs(found[["probability_0", "probability_1"]].to_numpy() - measured.evaluation.probabilities).max() < 1e-9
    assert set(found["version"]) == {1}
    meanings = found["meaning"].value_counts().to_dict()
    assert (scored.rows, scored.scored, scored.rejected, scored.labels, scored.versions) == (rows, rows, 0, meanings, {"1": rows})
    assert (scored.bundle_sha256, scored.source_sha256) == (checksum(folder / MANIFEST), checksum(patients))
    assert (scored.through, scored.sample, scored.rejected_to) == ("bundle", True, None)


def test_the_threshold_of_the_contract_decides(served, score, patients, measured):
    yes = measured.evaluation.probabilities[:, 1]
    row = next(row for row in np.argsort(yes) if yes[row] >= 0.5)
    assert measured.evaluation.labels[row] == 1
    assert row >= 5  # else the bundle's probe would change its answer, and it would not be served
    served(threshold=float(yes[row]) + 1e-6)

    score(patients)

    found = pd.read_csv(patients.with_name("patients.predictions.csv"))
    assert [place for place, (was, now) in enumerate(zip(measured.evaluation.labels, found["label"], strict=True)) if was != now] == [row]


def test_bad_rows_are_rejected_with_every_reason_and_the_others_are_scored(served, score, patients, measured):
    served()
    spoilt(patients, row3_Age="forty", row3_Sex="X", row7_Oldpeak="", row9_patient="")

    scored = score(patients)

    found = pd.read_csv(scored.destination)
    assert found["row"].tolist() == [row for row in range(len(measured.evaluation.labels)) if row not in (3, 7)]
    assert found["label"].tolist() == [label for row, label in enumerate(measured.evaluation.labels) if row not in (3, 7)]
    with scored.rejected_to.open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["row", "column", "expected", "received"],
            ["3", "Age", "a whole number from 0 to 120 (years)", '"forty"'],
            ["3", "Sex", "one of 'M', 'F'", '"X"'],
            ["7", "Oldpeak", "a number from -10 to 10 (mm)", "nothing (null, NaN or an empty cell)"],
        ]
    assert (scored.rejected, scored.scored) == (2, len(measured.evaluation.labels) - 2)


def test_the_size_of_the_chunks_changes_nothing(served, score, patients, tmp_path):
    served()
    spoilt(patients, row3_Age="forty", row60_Sex="")

    one, other = (score(patients, tmp_path / f"{size}.csv", chunk=size) for size in (1, 20_000))

    # a few rows are added up cell by cell, many by matrices, which round otherwise in the last digit
    pd.testing.assert_frame_equal(pd.read_csv(one.destination), pd.read_csv(other.destination), rtol=0, atol=1e-12)
    assert one.rejected_to.read_bytes() == other.rejected_to.read_bytes()


def test_parquet_in_and_out_gives_the_same_as_csv(served, score, patients, tmp_path):
    served()
    frame = pd.read_csv(patients)
    frame.to_parquet(tmp_path / "patients.parquet", index=False)

    scored = score(tmp_path / "patients.parquet")
    score(patients)

    assert scored.destination.name == "patients.predictions.parquet"
    pd.testing.assert_frame_equal(pd.read_parquet(scored.destination), pd.read_csv(patients.with_name("patients.predictions.csv")))


def test_the_named_columns_are_kept(served, score, patients):
    served()

    named = list(pd.read_csv(score(patients, keep=["Age", "patient"]).destination))
    none = list(pd.read_csv(score(patients, keep=[]).destination))

    assert named[:4] == ["row", "patient", "Age", "label"]
    assert none[:2] == ["row", "label"]


def test_a_kept_column_with_the_name_of_an_output_is_refused(served, score, patients):
    served()
    frame = pd.read_csv(patients).rename(columns={"HeartDisease": "label"})
    frame.to_csv(patients, index=False)

    with pytest.raises(ScoringError, match=r"columns 'label' have the names of columns of the predictions.*--keep"):
        score(patients)

    assert [path.name for path in patients.parent.glob("*patients*")] == ["patients.csv"]


def test_lists_and_objects_cannot_be_kept_in_a_csv(served, score, patients, tmp_path):
    served()
    frame = pd.read_csv(patients)
    frame["history"] = [[1, 2]] * len(frame)
    frame.to_parquet(tmp_path / "patients.parquet")

    with pytest.raises(ScoringError, match=r"written as csv.*\.parquet"):
        score(tmp_path / "patients.parquet", tmp_path / "out.csv")

    assert pd.read_parquet(score(tmp_path / "patients.parquet", tmp_path / "out.parquet").destination)["history"][0].tolist() == [1, 2]


def test_missing_columns_are_refused_before_anything_is_written(served, score, patients):
    served()
    pd.read_csv(patients).drop(columns=["Age", "Sex"]).to_csv(patients, index=False)

    with pytest.raises(InvalidRowsError, match=r"(?s)'Age', which heart-failure needs, is missing.*'Sex'.*Nothing was written"):
        score(patients)

    assert [path.name for path in patients.parent.glob("*patients*")] == ["patients.csv"]


def test_a_file_without_rows_gives_a_file_without_predictions(served, score, patients):
    served()
    patients.write_text(patients.read_text().splitlines()[0] + "\n")

    scored = score(patients)

    assert (scored.rows, scored.labels) == (0, {})
    assert pd.read_csv(scored.destination).empty


def test_a_run_that_fails_leaves_the_results_of_the_earlier_one(served, score, patients):
    served()
    spoilt(patients, row3_Age="forty")
    before = score(patients)
    contents = [before.destination.read_bytes(), before.rejected_to.read_bytes()]
    with patients.open("ab") as file:
        file.write(b"\xff\n")

    with pytest.raises(InvalidRowsError, match="not in UTF-8"):
        score(patients, chunk=10)

    assert [before.destination.read_bytes(), before.rejected_to.read_bytes()] == contents
    assert not [path for path in patients.parent.iterdir() if path.name.startswith(".")]


def test_reasons_of_an_earlier_run_are_removed_when_no_row_is_rejected(served, score, patients):
    served()
    whole = patients.read_bytes()
    spoilt(patients, row3_Age="forty")
    rejected = score(patients).rejected_to
    assert rejected.exists()
    patients.write_bytes(whole)

    score(patients)

    assert not rejected.exists()


def test_files_of_a_killed_run_are_removed_and_two_runs_at_once_are_refused(served, score, patients, settings, heart):
    served()
    asked = job(heart.name, str(patients))
    left = asked.destination.with_name(f".{asked.destination.name}.scoring")
    left.mkdir()
    (left / "predictions").write_text("half of th")

    with workspace(asked, settings), pytest.raises(ScoringError, match="another run writes"):
        score(patients)
    score(patients)

    assert not left.exists()


def test_a_changed_bundle_is_refused(served, score, patients):
    folder = served()
    (folder / "contract.json").write_text(json.dumps({}))

    with pytest.raises(BundleError, match="has changed since it was measured"):
        score(patients)


def test_progress_counts_up_to_all_rows_and_memory_does_not_grow_with_them(served, score, patients, measured, tmp_path):
    served()
    header, *lines = patients.read_text().splitlines(keepends=True)
    peaks = {}
    for times in (10, 100):
        path, shown, held = tmp_path / f"{times}.csv", [], []
        path.write_text(header + "".join(lines) * times)

        def show(progress, shown=shown, held=held):
            shown.append(progress)
            held.append(pa.total_allocated_bytes())

        score(path, show=show, chunk=500)

        assert shown[-1].rows == len(lines) * times
        assert shown[-1].share == 1.0
        assert all(earlier.rows < later.rows and earlier.share <= later.share for earlier, later in pairwise(shown))
        peaks[times] = max(held)
    assert peaks[100] <= 1.5 * peaks[10] + 1_000_000


@pytest.mark.parametrize(
    ("source", "destination", "message"),
    [
        ("rows.csv", "rows.csv", "is the source itself"),
        ("out.csv.rejected.csv", "out.csv", "is the source itself"),
        ("rows.csv", "link.csv", "is the source itself"),
        ("rows.csv", "out.xlsx", r"expected a name that ends in .csv or .parquet"),
        ("rows.csv", "nowhere/out.csv", "there is no folder"),
        ("rows.csv", "folder.csv", "is a folder"),
        ("http://127.0.0.1/rows.csv", None, "say where the predictions go"),
        ("http://anna:correct-horse-battery-staple@127.0.0.1/rows.csv", "out.csv", "must not have a user or a password"),
    ],
)
def test_impossible_destinations_and_sources_are_refused_at_once(tmp_path, source, destination, message):
    for name in ("rows.csv", "out.csv.rejected.csv"):
        (tmp_path / name).touch()
    (tmp_path / "link.csv").symlink_to(tmp_path / "rows.csv")
    (tmp_path / "folder.csv").mkdir()
    local = not source.startswith("http")

    with pytest.raises(ScoringError, match=message) as refused:
        job("heart-failure", str(tmp_path / source) if local else source, tmp_path / destination if destination else None)

    assert "correct-horse" not in str(refused.value)
