"""A file in the table that a model declares is scored as the plain one; a file that is not stays what it is."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import openpyxl
import pandas as pd
import pytest

from slipway.bundle.store.active import install
from slipway.errors import InvalidRowsError, ScoringError
from slipway.scoring import running
from slipway.scoring.csv_source import CsvSource
from slipway.scoring.declared_source import DeclaredSource
from slipway.scoring.job import job
from slipway.scoring.opening import open_source
from slipway.scoring.workspace import workspace
from slipway.spec import CSV, Excel, JSONLines

SPANISH = CSV(separator=";", decimal=",", thousands=".", encoding="cp1252")


@pytest.fixture
def frame(rows):
    """The test rows with a name, which the model does not take, and with a number of more than a thousand."""
    frame = rows.test.head(40).copy()
    frame.insert(0, "paciente", [f"Núñez {number}" for number in range(len(frame))])
    return frame


@pytest.fixture
def scored(settings, heart, write_bundle, tmp_path):
    """Score a file for a model with a table, by a bundle in service; return the predictions and the rejected rows."""
    install(write_bundle(tmp_path / "bundle").folder, settings.bundles, heart.port)

    def run(path, table, **options):
        spec = replace(heart, dataset=replace(heart.dataset, table=table))
        asked = job(heart.name, str(path), path.with_name("out.csv"), **options)
        with workspace(asked, settings) as folder:
            found = running.score(spec, asked, path, folder, settings, lambda _: None)
        return pd.read_csv(found.destination), pd.read_csv(found.rejected_to) if found.rejected_to else None

    return run


def spanish(frame):
    text = frame.astype(object).map(lambda cell: str(cell).replace(".", ",") if isinstance(cell, float) else str(cell))
    return text.to_csv(index=False, sep=";")


def write_excel(frame, path):
    workbook = openpyxl.Workbook()
    workbook.active.append(list(frame))
    for row in frame.astype(object).to_numpy().tolist():
        workbook.active.append(row)
    workbook.save(path)


def test_rows_of_every_declared_table_get_the_answers_of_the_plain_one(scored, frame, tmp_path):
    frame.to_csv(tmp_path / "plain.csv", index=False)
    (tmp_path / "spanish.csv").write_bytes(spanish(frame).encode("cp1252"))
    (tmp_path / "spanish.csv.gz").write_bytes(gzip.compress(spanish(frame).encode("cp1252")))
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in frame.to_dict("records")))
    write_excel(frame, tmp_path / "rows.xlsx")
    plain, _ = scored(tmp_path / "plain.csv", CSV())

    for name, table in {"spanish.csv": SPANISH, "spanish.csv.gz": SPANISH, "rows.jsonl": JSONLines(), "rows.xlsx": Excel()}.items():
        found, rejected = scored(tmp_path / name, table, chunk=7)
        pd.testing.assert_frame_equal(found, plain)
        assert rejected is None


def test_a_number_that_breaks_the_declared_marks_is_rejected_with_its_row(scored, frame, tmp_path):
    lines = spanish(frame).splitlines()
    cells = lines[3].split(";")
    cells[list(frame).index("Oldpeak")] = "1.5"  # row 2
    (tmp_path / "rows.csv").write_bytes("\n".join([*lines[:3], ";".join(cells), *lines[4:], ""]).encode("cp1252"))

    found, rejected = scored(tmp_path / "rows.csv", SPANISH, chunk=7)

    assert found["row"].tolist() == [row for row in range(len(frame)) if row != 2]
    assert rejected.to_numpy().tolist() == [[2, "Oldpeak", "a number with ',' as its decimal mark", "'1.5'"]]


def test_thousands_are_read_by_their_marks(heart, frame, tmp_path):
    frame["Cholesterol"] = ["1.000"] * len(frame)
    (tmp_path / "rows.csv").write_bytes(spanish(frame).encode("cp1252"))

    source = open_source(tmp_path / "rows.csv", replace(heart, dataset=replace(heart.dataset, table=SPANISH)))

    assert set(next(source.chunks(["Cholesterol"], 100)).cells.column(0).to_pylist()) == {"1000"}


def test_plain_files_are_still_scored_for_a_model_with_another_table(scored, frame, tmp_path):
    frame.to_csv(tmp_path / "plain.csv", index=False)
    frame.to_parquet(tmp_path / "rows.parquet", index=False)
    plain, _ = scored(tmp_path / "plain.csv", CSV())

    for table in (SPANISH, JSONLines(), Excel()):
        pd.testing.assert_frame_equal(scored(tmp_path / "plain.csv", table)[0], plain)
    pd.testing.assert_frame_equal(scored(tmp_path / "rows.parquet", SPANISH)[0], plain)


def test_a_file_without_a_header_needs_as_many_cells_as_names(heart, frame, tmp_path):
    table = CSV(header=False, names=tuple(frame))
    spec = replace(heart, dataset=replace(heart.dataset, table=table))
    frame.to_csv(tmp_path / "rows.csv", index=False, header=False)
    frame.drop(columns="paciente").to_csv(tmp_path / "fewer.csv", index=False, header=False)

    assert isinstance(open_source(tmp_path / "rows.csv", spec), DeclaredSource)
    assert isinstance(open_source(tmp_path / "fewer.csv", spec), CsvSource)  # which then lacks the columns


@pytest.mark.parametrize(
    ("content", "error", "reason"),
    [
        (b"PK\x03\x04...", ScoringError, "Excel workbook or a zip archive"),
        (b'{"Age": 1}\n{"Age": \n', InvalidRowsError, "no JSON object in line 2"),
    ],
)
def test_a_damaged_file_is_refused(heart, tmp_path, content, error, reason):
    (tmp_path / "rows").write_bytes(content)

    with pytest.raises(error, match=reason):
        open_source(tmp_path / "rows", replace(heart, dataset=replace(heart.dataset, table=JSONLines())))
