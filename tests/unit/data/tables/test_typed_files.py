"""Parquet, JSON lines and Excel give the same rows as CSV: no digit is lost, and whole numbers stay whole beside missing values."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from slipway.data.tables.errors import TableError
from slipway.data.tables.numbers import numbers
from slipway.data.tables.reading import read, rows_in
from slipway.data.tables.sniffing import sniffed
from slipway.data.validation import validate
from slipway.errors import InvalidRowsError
from slipway.spec import CSV, Date, Excel, JSONLines, ModelSpec, Parquet, Table

ROWS: list[dict[str, Any]] = [
    {"size": 10, "weight": 1.5, "colour": "red", "wanted": 0, "id": "ñ"},
    {"size": 10, "weight": 1.5, "colour": "red", "wanted": 1, "id": None},
    {"size": 20, "weight": 2.25, "colour": "blue", "wanted": 0, "id": "c"},
    {"size": 20, "weight": 2.25, "colour": "blue", "wanted": 1, "id": "d"},
]


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    pd.DataFrame(rows).to_csv(path, index=False)


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    pd.DataFrame(rows).to_parquet(path)


def write_json_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def write_excel(path: Path, rows: list[dict[str, Any]]) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    workbook.save(path)


KINDS: list[tuple[Callable[[Path, list[dict[str, Any]]], None], Table]] = [
    (write_parquet, Parquet()),
    (write_json_lines, JSONLines()),
    (write_excel, Excel()),
]


def declared(toy: ModelSpec, table: Table) -> ModelSpec:
    return replace(toy, dataset=replace(toy.dataset, table=table))


@pytest.mark.parametrize(("write", "table"), KINDS)
def test_rows_of_every_kind_are_those_of_the_csv(toy: ModelSpec, tmp_path: Path, write: Callable[..., None], table: Table) -> None:
    write_csv(tmp_path / "rows.csv", ROWS)
    write(tmp_path / "rows", ROWS)

    assert sniffed(tmp_path / "rows") == table
    assert rows_in(tmp_path / "rows", table) == 4
    found = validate(declared(toy, table), tmp_path / "rows")
    pd.testing.assert_frame_equal(found, validate(toy, tmp_path / "rows.csv"), check_exact=True)


@pytest.mark.parametrize(("write", "table"), KINDS)
def test_a_whole_number_beside_a_missing_one_stays_whole(tmp_path: Path, write: Callable[..., None], table: Table) -> None:
    write(tmp_path / "rows", [{"visits": 3, "code": "a"}, {"visits": None, "code": "b"}, {"visits": 2**40, "code": "c"}])

    assert read(tmp_path / "rows", table)["visits"].tolist() == ["3", "", "1099511627776"]


@pytest.mark.parametrize(("write", "table"), KINDS)
def test_every_digit_of_a_fraction_counts(tmp_path: Path, write: Callable[..., None], table: Table) -> None:
    draw = random.Random(7)
    digits = 16 if write is write_excel else 17  # the library that writes workbooks rounds to 16
    expected = [float(f"{draw.gauss(0, 1) * 10.0 ** draw.randint(-20, 20):.{digits}g}") for _ in range(500)]
    write(tmp_path / "rows", [{"value": value} for value in expected])

    assert numbers(read(tmp_path / "rows", table)["value"]).tolist() == expected


@pytest.mark.parametrize(
    ("write", "table", "place"), [(*KINDS[0], "row 5"), (*KINDS[1], "line 5"), (*KINDS[2], "row 6")], ids=["parquet", "json", "excel"]
)
def test_a_bad_cell_is_named_with_its_place(toy: ModelSpec, tmp_path: Path, write: Callable[..., None], table: Table, place: str) -> None:
    write(tmp_path / "rows", [*ROWS, ROWS[0] | {"size": 101}])

    with pytest.raises(InvalidRowsError, match=f"column 'size' is outside 0 to 100 cm: {place} '101'"):
        validate(declared(toy, table), tmp_path / "rows")


def test_cells_of_parquet_become_the_texts_that_people_write(tmp_path: Path) -> None:
    columns = {
        "whole float": pa.array([10.0, float("nan"), 0.5]),
        "short float": pa.array([0.1, None, 2.0], pa.float32()),
        "decimal": pa.array([Decimal("1.50"), None, Decimal("-2.25")]),
        "boolean": pa.array([True, None, False]),
        "day": pa.array([dt.date(2024, 1, 3), None, dt.date(2024, 12, 31)]),
        "midnights": pa.array([dt.datetime(2024, 1, 3), None, dt.datetime(2024, 12, 31)], pa.timestamp("ns")),
        "moment": pa.array([dt.datetime(2024, 1, 3, 10, 30), None, dt.datetime(2024, 1, 3, 10, 30, 0, 250_000)]),
        "category": pa.array(["a", None, "b"]).dictionary_encode(),
        "list": pa.array([[1, 2], None, []]),
    }
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "rows")

    found = read(tmp_path / "rows", Parquet())

    assert {name: found[name].tolist() for name in found} == {
        "whole float": ["10", "", "0.5"],
        "short float": ["0.10000000149011612", "", "2"],  # what the float of four bytes is
        "decimal": ["1.50", "", "-2.25"],
        "boolean": ["true", "", "false"],
        "day": ["2024-01-03", "", "2024-12-31"],
        "midnights": ["2024-01-03", "", "2024-12-31"],
        "moment": ["2024-01-03 10:30:00", "", "2024-01-03 10:30:00.25"],
        "category": ["a", "", "b"],
        "list": ["[1, 2]", "", "[]"],
    }


@pytest.mark.parametrize(("write", "table"), [KINDS[0], KINDS[2]], ids=["parquet", "excel"])
def test_typed_dates_and_times_are_those_of_a_text(toy: ModelSpec, tmp_path: Path, write: Callable[..., None], table: Table) -> None:
    features = {"day": Date("Day", missing=True), "moment": Date("Moment", parts=("hour",), time=True)}
    spec = declared(replace(toy, columns=replace(toy.columns, features=features, excluded={})), table)
    moments = [dt.datetime(2024, 1, 3, 10, 30), dt.datetime(2024, 1, 3), dt.datetime(2024, 2, 29, 23, 59, 59), dt.datetime(2024, 1, 3)]
    days = [dt.datetime(2024, 1, 3), None, dt.datetime(2024, 2, 29), dt.datetime(2024, 1, 3)]
    rows = [{"day": day, "moment": moments[place]} for place, day in enumerate(days)]
    write(tmp_path / "rows", [row | {"wanted": label} for label in (0, 1) for row in rows])

    found = validate(spec, tmp_path / "rows").head(4)

    assert found["day"].fillna("").tolist() == ["2024-01-03", "", "2024-02-29", "2024-01-03"]
    assert found["moment"].tolist() == ["2024-01-03T10:30:00", "2024-01-03T00:00:00", "2024-02-29T23:59:59", "2024-01-03T00:00:00"]


def test_row_names_that_pandas_stores_are_no_column(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1, 2]}, index=["x", "y"]).to_parquet(tmp_path / "rows")

    assert list(read(tmp_path / "rows", Parquet())) == ["a"]


def test_json_lines_keep_digits_and_may_lack_names(tmp_path: Path) -> None:
    lines = ['{"a": 1.10, "b": true}', "", '{"b": null, "c": "x"}', '{"a": 12345678901234567890, "c": {"d": [1]}}']
    (tmp_path / "rows").write_bytes(gzip.compress("\n".join(lines).encode("utf-8-sig")))

    found = read(tmp_path / "rows", JSONLines())

    assert {name: found[name].tolist() for name in found} == {
        "a": ["1.10", "", "12345678901234567890"],
        "b": ["true", "", ""],
        "c": ["", "x", '{"d": ["1"]}'],
    }
    assert found.index.tolist() == [1, 3, 4]
    assert rows_in(tmp_path / "rows", JSONLines()) == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"a": 1}\n{"a": \n', "rows has no JSON object in line 2"),
        (b'{"a": 1}\n[2]\n', r"rows has no JSON object in line 2: expected \{...\}, received \[2\]"),
        ('{"a": "ñ"}'.encode("latin-1"), "rows is not in UTF-8"),
    ],
)
def test_damaged_json_lines_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "rows").write_bytes(content)

    with pytest.raises(TableError, match=reason):
        read(tmp_path / "rows", JSONLines())


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    """A workbook as people keep them: a sheet of notes, and one with empty rows above its names, dates and gaps."""
    book = openpyxl.Workbook()
    notes = book.active
    assert notes is not None
    notes.title = "notes"
    notes.append(["read me"])
    sheet = book.create_sheet("May 2024")
    for row in ([], ["day", "visits", "share", "open"], [dt.datetime(2024, 5, 1), 12, 0.25, True], [], [dt.date(2024, 5, 2), None, 2.0]):
        sheet.append(row)
    book.save(tmp_path / "rows.xlsx")
    return tmp_path / "rows.xlsx"


@pytest.mark.parametrize("sheet", ["May 2024", 1])
def test_a_sheet_is_read_by_name_or_number(workbook: Path, sheet: str | int) -> None:
    found = read(workbook, Excel(sheet))

    assert found.to_numpy().tolist() == [["2024-05-01", "12", "0.25", "true"], ["2024-05-02", "", "2", ""]]
    assert found.index.tolist() == [3, 5]  # as Excel numbers them
    assert rows_in(workbook, Excel(sheet)) == 2


def test_a_sheet_that_is_not_there_is_named_beside_those_that_are(workbook: Path) -> None:
    with pytest.raises(TableError, match=r"has no sheet 'June'; it has \['notes', 'May 2024'\]\. Write one of them in its Excel"):
        read(workbook, Excel("June"))


def test_rows_wider_than_the_names_are_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["a"])
    sheet.append([1, 2])
    book.save(tmp_path / "rows.xlsx")

    with pytest.raises(TableError, match="row 2 has 2 cells, but the sheet has 1 names"):
        read(tmp_path / "rows.xlsx", Excel())


@pytest.mark.parametrize(
    ("write", "table", "said"),
    [
        (write_csv, Parquet(), r"rows is CSV\(\), but the model's file says Parquet\(\)\. Write table=CSV\(\)"),
        (write_csv, Excel(), r"rows is CSV\(\), but the model's file says Excel\(\)"),
        (write_parquet, Excel(), r"rows is Parquet\(\), but the model's file says Excel\(\)"),
        (write_parquet, JSONLines(), r"rows is Parquet\(\), but the model's file says JSONLines\(\)"),
        (write_excel, CSV(), r"rows is Excel\(\), but the model's file says CSV\(\)\. Write table=Excel\(\)"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_to_write(
    toy: ModelSpec, tmp_path: Path, write: Callable[..., None], table: Table, said: str
) -> None:
    write(tmp_path / "rows", ROWS)

    with pytest.raises(InvalidRowsError, match=said):
        validate(declared(toy, table), tmp_path / "rows")
