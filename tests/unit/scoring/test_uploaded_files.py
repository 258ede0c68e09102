"""Files that people upload become plain CSV: of every dialect and kind, without a wrong guess, and within limits."""

from __future__ import annotations

import io
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import openpyxl
import pyarrow as pa
import pyarrow.parquet
import pytest

from slipway.rows.uploads import ROWS, UPLOADED, ReadFile, Reading, ReadTask, WrongFile
from slipway.scoring.uploads.marks import certain_mark, mark_of, plain
from slipway.scoring.uploads.reading import read

TASK = ReadTask(needed=("age", "bmi", "sex"), numeric=("age", "bmi"), decimal="", language="es", most_rows=1_000)

Read = Callable[..., tuple[Reading, str]]


@pytest.fixture
def reading(tmp_path: Path) -> Read:
    """Read a file's content, and return the result and the plain CSV."""

    def of(content: str | bytes, **changes: Any) -> tuple[Reading, str]:
        (tmp_path / UPLOADED).write_bytes(content if isinstance(content, bytes) else content.encode())
        (tmp_path / ROWS).unlink(missing_ok=True)
        found = read(tmp_path, msgspec.structs.replace(TASK, **changes))
        return found, (tmp_path / ROWS).read_text() if isinstance(found, ReadFile) else ""

    return of


def workbook(*rows: Any, sheets: int = 1) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.worksheets[0].append(row)
    for _ in range(sheets - 1):
        book.create_sheet().append(["nothing"])
    book.save(file)
    return file.getvalue()


def parquet(**columns: Any) -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "separator", "decimal"),
    [
        ("age,bmi,sex\n61,31.4,M\n", ",", "."),
        ("age;bmi;sex\r\n61;31,4;M\r\n", ";", ","),
        ("\ufeffage;bmi;sex\n61;31.4;M\n", ";", "."),
        ("age\tbmi\tsex\n61\t31,4\tM", "\t", ","),
        ("age|bmi|sex\n61|31.4|M\n", "|", "."),
        ("sep=;\nage;bmi;sex\n61;31,4;M\n", ";", ","),
        ('"age";"bmi";"sex"\n"61";"31,4";"M"\n', ";", ","),
        ('age,bmi,sex\n61,"31,4",M\n', ",", ","),
        ("age;bmi;sex\n61;31,4;M;;\n;;\n\n", ";", ","),
    ],
)
def test_every_country_s_csv_becomes_the_same_plain_csv(reading: Read, content: str, separator: str, decimal: str) -> None:
    found, rows = reading(content)

    assert rows == "age,bmi,sex\n61,31.4,M\n"
    assert found == ReadFile(1, ("age", "bmi", "sex"), len(rows), separator, decimal)


def test_excel_s_unicode_text_is_read_too(reading: Read) -> None:
    assert reading("age\tbmi\tsex\n61\t31,4\tM\n".encode("utf-16"))[1] == "age,bmi,sex\n61,31.4,M\n"


def test_a_workbook_s_numbers_and_dates_have_types_and_only_its_first_sheet_counts(reading: Read) -> None:
    seen = ["id", "age", "bmi", "sex", "seen", "born", "works"]
    content = workbook(seen, [7, 61.0, 1.234, "M", datetime(2026, 11, 29, 10, 30), date(1965, 1, 2), True], [None] * 7, sheets=2)

    found, rows = reading(content)

    assert rows == "id,age,bmi,sex,seen,born,works\n7,61,1.234,M,2026-11-29 10:30:00,1965-01-02,true\n"
    assert isinstance(found, ReadFile)
    assert (found.rows, found.separator, found.decimal) == (1, "", "")


def test_a_text_in_a_workbook_that_spells_a_number_is_read_as_one_of_a_text_file(reading: Read) -> None:
    assert reading(workbook(["age", "bmi", "sex"], ["61", "31,4", "M"], [50, "1.234", "F"]))[1].splitlines()[1:] == [
        "61,31.4,M",
        '50,"1.234 (1234? 1,234?)",F',
    ]


def test_parquet_keeps_its_types_and_leaves_out_the_names_of_pandas_rows(reading: Read) -> None:
    content = parquet(age=[61, None], bmi=[1.234, 30.0], sex=["M", "F"], day=[date(2026, 1, 2), None], __index_level_0__=[5, 6])

    assert reading(content)[1] == "age,bmi,sex,day\n61,1.234,M,2026-01-02\n,30,F,\n"


def test_rows_of_another_length_stay_so_that_they_are_reported(reading: Read) -> None:
    assert reading("age,bmi,sex\n61,31.4\n50,30,F,extra\n")[1] == "age,bmi,sex\n61,31.4\n50,30,F,extra\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\n  \n;;\n", "empty"),
        (b"age;bmi;sex\n\n;;\n", "no_rows"),
        (b"age;bmi\n1;2\n", "columns"),
        (b"age;bmi;sex;id;id\n1;2;M;3;3\n", "twice"),
        (b"age,bmi,sex\n61,31.4,\xf1\n", "no_text"),
        (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "no_text"),
        (b'age,bmi,sex\n61,31.4,"M\n', "no_csv"),
        (b"\x1f\x8b\x08\x00", "compressed"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old_excel"),
        (b"PK\x03\x04rubbish", "damaged"),
        (b"PAR1rubbish", "damaged"),
        (b"age,bmi,sex\n" + b"61,31.4,M\n" * 1_001, "too_many_rows"),
        (b",".join([b"age,bmi,sex", *(b"c%d" % n for n in range(2_001))]), "too_wide"),
    ],
)
def test_what_is_no_table_of_the_model_is_refused_for_its_own_reason(reading: Read, content: bytes, why: str) -> None:
    found, _ = reading(content)

    assert isinstance(found, WrongFile)
    assert found.why == why


@pytest.mark.slow
def test_an_archive_that_is_no_workbook_and_one_that_unpacks_to_gigabytes_are_refused(reading: Read) -> None:
    other, bomb = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("data.csv", "age,bmi,sex\n61,31.4,M\n")
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "")
        with archive.open("xl/worksheets/sheet1.xml", "w") as member:
            for _ in range(1_100):
                member.write(b" " * (1 << 20))
    assert len(bomb.getvalue()) < 2_000_000

    assert reading(other.getvalue())[0] == WrongFile("archive")
    assert reading(bomb.getvalue())[0] == WrongFile("too_large")


def test_a_parquet_file_that_claims_more_rows_than_allowed_is_refused_before_they_are_read(reading: Read) -> None:
    zeros = pa.array([0], pa.int64()).take(pa.array([0] * 5_000))

    assert reading(parquet(age=zeros, bmi=zeros, sex=zeros))[0] == WrongFile("too_many_rows")


@pytest.mark.slow
def test_the_program_ends_at_its_limit_of_memory(tmp_path: Path) -> None:
    """One long text that a thousand rows repeat: a few bytes of Parquet that become 20 GB."""
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000, pa.int32()), pa.array(["x" * 20_000_000]))
    table = pa.table({"age": long, "bmi": [1.0] * 1_000, "sex": ["M"] * 1_000})
    pyarrow.parquet.write_table(table, tmp_path / UPLOADED, compression="zstd", dictionary_pagesize_limit=1 << 26)
    assert (tmp_path / UPLOADED).stat().st_size < 1_000_000

    done = subprocess.run(
        [sys.executable, "-m", "slipway.scoring.uploads", "read", str(tmp_path)], input=msgspec.json.encode(TASK), capture_output=True
    )

    assert msgspec.json.decode(done.stdout, type=Reading).why == "too_large"


@pytest.mark.parametrize(
    ("cell", "mark"),
    [("8,1", ","), ("8.1", "."), ("0,125", ","), ("1.5e-3", "."), ("1,5E+3", ","), ("61", ""), ("1.234", ""), ("1,234", ""), ("a,b", "")],
)
def test_only_a_number_that_can_be_read_in_one_way_says_which_mark_a_file_has(cell: str, mark: str) -> None:
    assert certain_mark(cell) == mark


def test_the_mark_of_a_file_is_open_if_its_numbers_disagree_or_say_nothing() -> None:
    assert mark_of(["61", "8,1", "1.234"], ";") == ","
    assert mark_of(["8,1", "8.1"], ";") == ""
    assert mark_of(["1.234"], ";") == ""
    assert mark_of(["1.234"], ",") == "."  # as programs write CSV


@pytest.mark.parametrize(
    ("cell", "decimal", "found"),
    [
        ("8,1", ",", "8.1"),
        ("-8,1", "", "-8.1"),
        ("\u22128,1", "", "-8.1"),
        ("1,234", ",", "1.234"),
        ("1,234", "", "1,234 (1234? 1.234?)"),
        ("1.234", ",", "1.234 (1234? 1.234?)"),
        ("1.234", ".", "1.234"),
        ("1.234,5", ",", "1.234,5 (1234.5?)"),
        ("1 234", ",", "1 234 (1234?)"),
        ("1,5E+3", ",", "1.5E+3"),
        ("1_000", ",", "1_000"),
        ("high", ",", "high"),
        ("", ",", ""),
    ],
)
def test_a_number_becomes_plain_or_shows_how_it_can_be_read(cell: str, decimal: Any, found: str) -> None:
    assert plain(cell, decimal, "en") == found


@pytest.mark.parametrize("kind", ["xlsx", "parquet", "csv"])
def test_a_file_with_any_bytes_changed_is_read_or_refused(reading: Read, kind: str) -> None:
    whole = {
        "xlsx": workbook(["age", "bmi", "sex"], *[[age, 31.4, "M"] for age in range(50)]),
        "parquet": parquet(age=list(range(50)), bmi=[31.4] * 50, sex=["M"] * 50),
        "csv": b'age;bmi;sex\r\n61;31,4;M\r\n"50";"1,5";"F"\r\n',
    }[kind]
    chosen = random.Random(7)
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(chosen.randint(1, 8)):
            content[chosen.randrange(len(content))] = chosen.randrange(256)
        found, _ = reading(bytes(content[: chosen.randrange(1, 2 * len(content))]))

        assert isinstance(found, ReadFile | WrongFile)
