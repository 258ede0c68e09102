"""What the pages about files say: columns, mistakes, counts, and names that are safe."""

from __future__ import annotations

import pytest

from slipway.bundle.contract import Column
from slipway.bundle.wording import ColumnWords, Words
from slipway.pages.files.columns import example_file, missing_columns
from slipway.pages.files.reasons import expected_cell, shown_reason
from slipway.pages.files.refusals import wrong_columns, wrong_file
from slipway.pages.files.results import counted, download_name, short_name, shown_result, size_of
from slipway.rows.checks import Violation, violation
from slipway.rows.uploads import FinishedFile, WrongFile

AGE = Column("age", "integer", "age", unit="years", low=0, high=120)
SICK = Column("sick", "integer", "sick", low=0, high=1)
SEX = Column("sex", "category", "sex", values=("F", "M"), missing=True)
SEEN = Column("seen", "date", "seen", format="%d/%m/%Y")


def test_a_column_says_what_its_cells_are_and_what_coded_values_mean(with_columns):
    own = {
        "es": Words(
            columns={"sick": ColumnWords("Enfermo", values={"0": "no", "1": "sí"}), "sex": ColumnWords("Sexo", values={"F": "Mujer"})}
        )
    }
    words = with_columns(AGE, SICK, SEX, SEEN, language="es", words=own)

    assert [expected_cell(words, column) for column in (AGE, SICK, SEX, SEEN)] == [
        "Un número entero de 0 a 120 years",
        "Un número entero de 0 a 1: 0 (no), 1 (sí)",
        "F (Mujer), M, o vacía",
        "Una fecha como 29/11/2026",
    ]


def test_reasons_are_in_the_reader_s_language(with_columns):
    words = with_columns(AGE, language="es")

    assert shown_reason(words, violation(3, AGE, None)).received == "(vacía)"
    assert shown_reason(words, Violation(3, None, "12 cells", "1 cells")).received == "1 celda"
    assert shown_reason(words, Violation(3, "subject", "x", '"\\t"')).expected == "Como máximo 200 caracteres imprimibles"
    assert "elija los decimales" in shown_reason(words, Violation(3, "age", "x", '"1.234 (1234? 1,234?)"')).expected


def test_missing_columns_are_named_with_what_is_probably_meant(with_columns):
    words = with_columns(AGE, SICK)

    assert missing_columns(words, ("Age", "id")) == [("age", "Age"), ("sick", "")]
    assert wrong_columns(words, WrongFile("columns", ("age", "ill"))) == ["sick is missing.", "The file has: age, ill"]
    assert wrong_file(words, WrongFile("columns", ("one", "two"))).startswith("None of the model's columns")
    assert wrong_file(words, WrongFile("twice", ("id",))) == "These names are there more than once: id. Rename or delete columns."


def test_an_example_is_written_as_a_spreadsheet_of_the_language_writes_it(with_columns):
    row = {"age": 60, "bmi": 31.4, "seen": "2026-11-29"}

    assert example_file(with_columns(AGE, SEEN, language="es"), row).decode("utf-8-sig") == "age;bmi;seen\r\n60;31,4;29/11/2026\r\n"
    assert example_file(with_columns(AGE, SEEN), row).decode("utf-8-sig") == "age,bmi,seen\r\n60,31.4,29/11/2026\r\n"


def test_a_result_counts_each_class_also_one_that_no_row_has(with_columns):
    found = shown_result(with_columns(AGE), FinishedFile(answered=3, rejected=0, violations=0, first=(), labels={"1": 3}))

    assert [(one.rows, one.share) for one in found.answers] == [("0", 0.0), ("3", 100.0)]
    assert (found.sentences, found.more, found.numbers) == (("3 rows have a prediction.",), "", ())


@pytest.mark.parametrize(
    ("name", "short", "download"),
    [
        ("patients.csv", "patients.csv", "patients-predictions.csv"),
        (r"C:\Users\anna\pacientes ñ.xlsx", "pacientes ñ.xlsx", "pacientes-n-predictions.csv"),
        ("../../etc/passwd", "passwd", "file-predictions.csv"),
        ('a"\r\nX-Evil: 1.csv', 'a"\ufffd\ufffdX-Evil: 1.csv', "a-X-Evil-1-predictions.csv"),
        ("日本.csv", "日本.csv", "file-predictions.csv"),
        ("x" * 300 + ".csv", "x" * 96 + ".csv", "x" * 60 + "-predictions.csv"),
    ],
)
def test_names_are_shortened_and_those_of_downloads_are_safe_in_a_header(name, short, download):
    assert short_name(name) == short
    assert download_name(short_name(name), "predictions") == download


def test_counts_and_sizes_are_written_as_the_language_writes_them():
    assert (counted(100_000, "en"), counted(100_000, "es")) == ("100,000", "100\N{NO-BREAK SPACE}000")
    assert (size_of(10, "en"), size_of(5 << 20, "en")) == ("1\N{NO-BREAK SPACE}kB", "5\N{NO-BREAK SPACE}MB")
