"""Rows in any dialect are read as they are in the plain one, and another dialect than the declared one is named."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from slipway.data.tables.sniffing import sniffed
from slipway.data.validation import validate
from slipway.errors import InvalidRowsError
from slipway.spec import CSV, Columns, Dataset, ModelSpec, Numeric, Quantity, Table
from tests.support.progression import progression

PLAIN = "size,weight,colour,wanted,id\n10,1.5,red,0,ñ\n10,1.5,red,1,b\n20,2.25,blue,0,c\n20,2.25,blue,1,d\n"
SPANISH = PLAIN.replace(",", ";").replace(".", ",")
HEADERLESS = ("size", "weight", "colour", "wanted", "id")

Toy = Callable[..., ModelSpec]


@pytest.fixture
def declared(toy: ModelSpec) -> Callable[[Table], ModelSpec]:
    """The toy with another table."""
    return lambda table: replace(toy, dataset=replace(toy.dataset, table=table))


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    """Write a file."""

    def written(content: bytes) -> Path:
        (tmp_path / "rows.csv").write_bytes(content)
        return tmp_path / "rows.csv"

    return written


def refusal(spec: ModelSpec, path: Path) -> list[str]:
    with pytest.raises(InvalidRowsError) as error:
        validate(spec, path)
    return [line.removeprefix("  - ") for line in str(error.value).splitlines()[1:-1]]


@pytest.mark.parametrize(
    ("content", "table"),
    [
        (SPANISH.encode("latin-1"), CSV(separator=";", decimal=",", encoding="latin-1")),
        (SPANISH.encode("utf-16"), CSV(separator=";", decimal=",", encoding="utf-16")),
        (gzip.compress(SPANISH.encode(), mtime=0), CSV(separator=";", decimal=",")),
        (PLAIN.replace(",", "\t").encode(), CSV(separator="\t")),
        (PLAIN.partition("\n")[2].encode(), CSV(header=False, names=HEADERLESS)),
        (("# a\n# b\n" + PLAIN + "# end\n").encode(), CSV(comment="#")),
        (("Toys\n\n" + PLAIN).encode(), CSV(skip=2)),
        (PLAIN.replace("red", "'red'").encode(), CSV(quote="'")),
    ],
)
def test_rows_are_the_same_in_every_dialect(declared: Toy, file: Callable[[bytes], Path], content: bytes, table: CSV) -> None:
    plain = validate(declared(CSV()), file(PLAIN.encode()))

    pd.testing.assert_frame_equal(validate(declared(table), file(content)), plain, check_exact=True)


def test_a_sniffed_dialect_reads_its_file(declared: Toy, file: Callable[[bytes], Path]) -> None:
    plain, path = validate(declared(CSV()), file(PLAIN.encode())), file(SPANISH.encode("latin-1"))

    pd.testing.assert_frame_equal(validate(declared(sniffed(path)), path), plain)


@pytest.mark.parametrize(
    ("table", "cells", "numbers"),
    [
        (CSV(separator=";", decimal=",", thousands="."), ["1.234,50", "12.000.000", "999,125", "-7"], [1234.5, 12e6, 999.125, -7]),
        (CSV(separator=";", thousands=","), ["1,234.50", "12,000,000", "999.125", "1e3"], [1234.5, 12e6, 999.125, 1000]),
        (CSV(separator=";", decimal=",", thousands=" "), ["1 234,5", "0,5", ",5", "5,"], [1234.5, 0.5, 0.5, 5]),
        (CSV(separator=";", thousands="'"), ["1'234.5", "1", "2", "3"], [1234.5, 1, 2, 3]),
    ],
)
def test_numbers_with_thousands_are_read_exactly(
    toy: ModelSpec, file: Callable[[bytes], Path], table: CSV, cells: list[str], numbers: list[float]
) -> None:
    columns = replace(toy.columns, features={"amount": Numeric(-1e9, 1e9, "EUR", "Amount")}, excluded={})
    spec = replace(toy, columns=columns, dataset=replace(toy.dataset, table=table))
    lines = ["amount;wanted", *(f"{cell};{label}" for cell in cells for label in (0, 1))]

    rows = validate(spec, file("\n".join(lines).encode()))

    assert rows["amount"].tolist() == [number for number in numbers for _ in (0, 1)]


@pytest.mark.parametrize("cell", ["1.5", "12.34,5", "1.234.5", "1,234,5", "1.2345"])
def test_a_number_that_breaks_the_declared_marks_is_not_guessed(declared: Toy, file: Callable[[bytes], Path], cell: str) -> None:
    found = refusal(declared(CSV(separator=";", decimal=",", thousands=".")), file((SPANISH + f"10;{cell};red;0;e\n").encode()))

    assert len(found) == 1
    assert f"line 6 '{cell}'" in found[0]


@pytest.mark.parametrize(
    ("content", "table", "said"),
    [
        (
            PLAIN.replace(",", ";").encode(),
            CSV(),
            ["rows.csv is separated by ';', but the model's file says ','. Write separator=';' in its CSV(...), or export it with ','."],
        ),
        (
            PLAIN.encode("latin-1"),
            CSV(),
            [
                "rows.csv is encoded as 'cp1252', but the model's file says 'utf-8'. "
                "Write encoding='cp1252' in its CSV(...), or export it with 'utf-8'."
            ],
        ),
        (
            PLAIN.encode(),
            CSV(encoding="latin-1"),  # which can be read, but as Ã±
            [
                "rows.csv is encoded as 'utf-8', but the model's file says 'latin-1'. "
                "Write encoding='utf-8' in its CSV(...), or export it with 'latin-1'."
            ],
        ),
        (
            PLAIN.encode("utf-16"),
            CSV(),
            [
                "rows.csv is encoded as 'utf-16', but the model's file says 'utf-8'. "
                "Write encoding='utf-16' in its CSV(...), or export it with 'utf-8'."
            ],
        ),
        (
            PLAIN.partition("\n")[2].encode(),
            CSV(),
            [
                "rows.csv has no names in its first line, but the model's file says header=True. "
                "Write header=False and names=(...) in its CSV(...), or export it with a header."
            ],
        ),
        (
            PLAIN.encode(),
            CSV(header=False, names=HEADERLESS),
            [
                "rows.csv has the names in its first line, but the model's file says header=False. "
                "Leave header and names out of its CSV(...), or export it without a header."
            ],
        ),
        (
            SPANISH.encode(),
            CSV(separator=";"),
            [
                "rows.csv has ',' as the decimal mark of column 'weight': line 2 '1,5', line 3 '1,5', line 4 '2,25', line 5 '2,25'. "
                "The model's file says '.'. Write decimal=',' in its CSV(...), or export it with '.'."
            ],
        ),
        (
            PLAIN.replace(",", ";").encode(),
            CSV(separator=";", decimal=","),
            [
                "rows.csv has '.' as the decimal mark of column 'weight': line 2 '1.5', line 3 '1.5', line 4 '2.25', line 5 '2.25'. "
                "The model's file says ','. Write decimal='.' in its CSV(...), or export it with ','."
            ],
        ),
        (
            ("Toys\n\n" + PLAIN).encode(),
            CSV(),
            [
                "rows.csv has 2 lines before its columns, but the model's file says skip=0. "
                "Write skip=2 in its CSV(...), or export it without them."
            ],
        ),
        (
            b'{"size": 10}\n{"size": 20}\n',
            CSV(),
            ["rows.csv is JSONLines(), but the model's file says CSV(). Write table=JSONLines()."],
        ),
        (
            b"PAR1 and so on PAR1",
            CSV(separator=";"),
            ["rows.csv is Parquet(), but the model's file says CSV(separator=';'). Write table=Parquet()."],
        ),
    ],
)
def test_another_dialect_is_named_with_what_to_write(
    declared: Toy, file: Callable[[bytes], Path], content: bytes, table: CSV, said: list[str]
) -> None:
    assert refusal(declared(table), file(content)) == said


def test_another_decimal_mark_of_the_target_is_named(file: Callable[[bytes], Path], tmp_path: Path) -> None:
    columns = Columns(features={"size": Numeric(0, 100, "cm", "Size")}, target=Quantity("price", "EUR", "Price"))
    table = Dataset(origin="rows.csv", sha256="0" * 64, file="rows.csv", table=CSV(separator=";"))

    assert refusal(progression(tmp_path, columns=columns, dataset=table, slices={}), file(b"size;price\n10;3,5\n20;12,25\n")) == [
        "rows.csv has ',' as the decimal mark of column 'price': line 2 '3,5', line 3 '12,25'. "
        "The model's file says '.'. Write decimal=',' in its CSV(...), or export it with '.'."
    ]


def test_two_differences_are_both_named(declared: Toy, file: Callable[[bytes], Path]) -> None:
    found = refusal(declared(CSV()), file(PLAIN.replace(",", ";").encode("latin-1")))

    assert [line.partition(",")[0] for line in found] == ["rows.csv is encoded as 'cp1252'", "rows.csv is separated by ';'"]


def test_a_text_among_numbers_is_no_other_dialect(declared: Toy, file: Callable[[bytes], Path]) -> None:
    found = refusal(declared(CSV()), file((PLAIN + '10,"1,5",red,0,e\n10,heavy,red,0,e\n').encode()))

    assert found == ["column 'weight' has text where numbers (kg) were expected: line 6 '1,5', line 7 'heavy'."]


def test_lines_are_counted_with_titles_comments_and_without_a_header(declared: Toy, file: Callable[[bytes], Path]) -> None:
    bad = "101,1.5,red,0,e\n"

    # comment 1, blank 2, header 3, rows 4 to 7, comment 8, bad 9
    assert "line 9 '101'" in refusal(declared(CSV(comment="#")), file(("# x\n\n" + PLAIN + "# y\n" + bad).encode()))[0]
    assert "line 8 '101'" in refusal(declared(CSV(skip=2)), file(("Toys\n\n" + PLAIN + bad).encode()))[0]
    assert "line 5 '101'" in refusal(declared(CSV(header=False, names=HEADERLESS)), file((PLAIN.partition("\n")[2] + bad).encode()))[0]


def test_a_mark_of_comments_inside_of_a_line_is_a_part_of_its_cell(toy: ModelSpec, declared: Toy, file: Callable[[bytes], Path]) -> None:
    assert len(validate(declared(CSV(comment="#")), file(PLAIN.replace(",c\n", ",C# 7\n").encode()))) == 4


def test_a_damaged_archive_is_refused(declared: Toy, file: Callable[[bytes], Path]) -> None:
    found = refusal(declared(CSV()), file(gzip.compress(PLAIN.encode() * 50, mtime=0)[:-12]))

    assert "rows.csv is damaged" in found[0]
