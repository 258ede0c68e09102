"""Rows of a file are read completely and in order, and refused like rows of a request, in the same words."""

from __future__ import annotations

import csv
import decimal
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.bundle.contract import Column, Contract
from slipway.errors import InvalidRowsError, ScoringError
from slipway.gateway.bodies import mlflow
from slipway.gateway.bodies.refusing import check as gateway_check
from slipway.gateway.replies import RequestError
from slipway.scoring.checking import check
from slipway.scoring.csv_source import CsvSource
from slipway.scoring.job import job
from slipway.scoring.opening import kept_columns, open_source

COLUMNS = (
    Column("age", "integer", "age", unit="years", low=0, high=120),
    Column("dose", "number", "dose"),
    Column("sex", "category", "sex", values=("F", "M")),
)
CONTRACT = Contract(
    format=1, model="toy", registered_as="toy", version=3, run_id="3" * 32, engine="linear", description="", columns=COLUMNS,
    target="answer", classes=(0, 1), class_meanings=("no", "yes"), positive=1, threshold=0.5, data_sha256="", sample=True,
    metrics={}, mlflow_version="", created_at="",
)  # fmt: skip
NEEDED = [column.name for column in COLUMNS]

# what people, programs and spreadsheets write where a number or F or M belongs
ODD = [
    *("", " ", "40", " 40 ", "40.0", "40.5", "+40", "-1", "1e2", "1e400", "nan", "NaN", "inf", "1_0", "0x10", "4٠", "forty", "null"),
    *("TRUE", "121", "9007199254740993", "F", "M", "f", "M ", "F,M", 'say "M"', "two\nlines", "\r", "\0", "é"),
]


def scored(source, size=100):
    """Return the cells of the accepted rows, and the violations of the others, both by row number."""
    taken, wrong = {}, {}
    for chunk in source.chunks(NEEDED, size):
        checked = check(chunk, CONTRACT, [], source.spelled)
        for place, row in enumerate(checked.rows.tolist()):
            taken[row] = [checked.columns[name][place] for name in NEEDED]
        for one in checked.violations:
            wrong.setdefault(one.row, []).append((one.column, one.expected, one.received))
    return taken, wrong


def written(path, rows, header=NEEDED):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def of_gateway(row):
    """Return the cells of one row as the gateway accepts them, and its violations."""
    text = io.StringIO()
    csv.writer(text).writerows([NEEDED, row])
    try:
        cells = gateway_check(mlflow.decode("text/csv", text.getvalue().encode(), CONTRACT), CONTRACT)
    except RequestError as refused:
        return None, [(one.column, one.expected, one.received) for one in refused.violations]
    return [cells[name][0] for name in NEEDED], []


@settings(deadline=None)  # the first example imports what the others have
@given(
    rows=st.lists(st.lists(st.sampled_from(ODD) | st.text(st.characters(codec="utf-8"), max_size=4), min_size=3, max_size=3), max_size=8),
    good=st.integers(0, 3),
    size=st.integers(1, 5),
)
def test_a_row_of_a_file_is_accepted_or_refused_as_by_the_gateway(tmp_path_factory, rows, good, size):
    rows = [["40", "1.5", "F"]] * good + rows
    path = written(tmp_path_factory.getbasetemp() / "rows.csv", rows)

    taken, wrong = scored(CsvSource(path), size)

    expected = [of_gateway(row) for row in rows]
    assert taken == {row: cells for row, (cells, _) in enumerate(expected) if cells}
    assert wrong == {row: said for row, (_, said) in enumerate(expected) if said}


def test_lines_of_another_length_are_refused_and_the_rows_around_them_keep_their_numbers(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"\xef\xbb\xbfage,dose,sex\r\n40,1,F\r\n\r\n41,2\r\n42,3,M\r\n43,4,M,5\r\n")

    for size in (1, 2, 100):
        taken, wrong = scored(CsvSource(path), size)

        assert taken == {0: [40, 1, "F"], 2: [42, 3, "M"]}
        assert wrong == {1: [(None, "3 cells", "2 cells")], 3: [(None, "3 cells", "4 cells")]}


def test_quoted_cells_may_contain_commas_quotes_and_line_ends_even_where_a_chunk_ends(tmp_path):
    rows = [[str(age), "1", "F", f'a "{age}",\nb'] if age % 3 == 2 else [str(age), "1", "F", "plain"] for age in range(10)]
    path = written(tmp_path / "rows.csv", rows, [*NEEDED, "note"])
    source = CsvSource(path)

    for size in (1, 2, 3, 100):
        chunks = list(source.chunks([*NEEDED, "note"], size))

        assert [note for chunk in chunks for note in chunk.cells.column("note").to_pylist()] == [row[3] for row in rows]
        assert [row for chunk in chunks for row in chunk.rows.tolist()] == list(range(10))
        assert max(len(chunk.rows) for chunk in chunks) <= size


@pytest.mark.parametrize("tail", [b"\xff\xfe,1,F\n", b'"40"x,1,F\n', b'"40,1,F\n'])
def test_a_file_that_is_not_csv_in_utf8_is_an_error_that_says_where(tmp_path, tail):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"age,dose,sex\n40,1,F\n41,1,F\n" + tail)

    with pytest.raises(InvalidRowsError, match=r"rows.csv: after row [012], it is not .*UTF-8"):
        list(CsvSource(path).chunks(NEEDED, 2))


def test_parquet_has_types_so_texts_and_flags_are_not_numbers(tmp_path):
    table = pa.table({
        "age": pa.array(["40", "41"]),
        "dose": pa.array([True, False]),
        "sex": pa.array(["F", "M"]).dictionary_encode(),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "rows.parquet")

    taken, wrong = scored(open_source(tmp_path / "rows.parquet"))

    assert taken == {}
    assert wrong[0] == [("age", "a whole number from 0 to 120 (years)", '"40"'), ("dose", "a number", "true")]


def test_numbers_of_any_width_and_decimals_of_parquet_are_numbers(tmp_path):
    table = pa.table({
        "age": pa.array([40, None, 42, 121], pa.int8()),
        "dose": pa.array([decimal.Decimal("1.50"), decimal.Decimal("2"), None, decimal.Decimal("4")]),
        "sex": pa.array(["F", "M", "M", "M"], pa.large_string()),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "rows.parquet")

    for size in (1, 3):
        taken, wrong = scored(open_source(tmp_path / "rows.parquet"), size)

        assert taken == {0: [40, 1.5, "F"]}
        assert {row: [column for column, _, _ in said] for row, said in wrong.items()} == {1: ["age"], 2: ["dose"], 3: ["age"]}


def test_missing_repeated_and_unknown_columns_are_reported_together(tmp_path):
    source = CsvSource(written(tmp_path / "rows.csv", [], ["age", "age", "id"]))

    with pytest.raises(InvalidRowsError) as refused:
        kept_columns(source, CONTRACT, job("toy", "rows.csv", through="endpoint", keep=["name"], subject="who"))

    for text in (
        "'age' is there more than once",
        "'dose', which toy needs, is missing",
        "'sex', which",
        "'name', which you want to keep",
        "'who', which",
    ):
        assert text in str(refused.value)


def test_semicolons_are_guessed(tmp_path):
    source = CsvSource(written(tmp_path / "rows.csv", [], ["age;dose;sex"]))

    with pytest.raises(InvalidRowsError, match="separated by semicolons"):
        kept_columns(source, CONTRACT, job("toy", "rows.csv"))


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"PK\x03\x04...", ScoringError, "Excel workbook"),
        (b"\x1f\x8b...", ScoringError, "gzip"),
        ("age,sex".encode("utf-16"), ScoringError, "UTF-16"),
        (b"", InvalidRowsError, "it is empty"),
        (b"\n\n", InvalidRowsError, "it is empty"),
        (b"PAR1 and no more", InvalidRowsError, "cannot be read as Parquet"),
    ],
)
def test_a_file_of_another_kind_is_an_error_that_says_which(tmp_path, content, error, message):
    (tmp_path / "rows").write_bytes(content)

    with pytest.raises(error, match=message):
        open_source(tmp_path / "rows")
