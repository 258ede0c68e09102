"""A table is refused by name where its declaration cannot be true, and is written back as a model's file has it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from slipway.errors import SpecError
from slipway.spec import CSV, Excel, JSONLines, Parquet, Query, Table
from slipway.spec.tables import as_code


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: CSV(separator=""), "separator='' must be one character"),
        (lambda: CSV(separator="::"), "separator='::' must be one character"),
        (lambda: CSV(decimal=";"), "decimal=';' must be '.' or ','"),
        (lambda: CSV(decimal=",", thousands=","), "thousands=',' must be .*, and not the decimal mark"),
        (lambda: CSV(thousands="x"), "thousands='x' must be"),
        (lambda: CSV(quote=","), "quote=',' must be one character other than the separator"),
        (lambda: CSV(encoding="utf-9"), "Python knows no encoding 'utf-9'; use utf-8, cp1252"),
        (lambda: CSV(names=("a",)), "set header=False, or leave the names out"),
        (lambda: CSV(header=False), "header=False needs names"),
        (lambda: CSV(header=False, names=("a", "a")), "header=False needs names, one for each column of the file, each different"),
        (lambda: CSV(skip=-1), "skip=-1 must not be negative"),
        (lambda: Query("  "), "Query: '' must begin with SELECT or WITH"),
        (lambda: Query("DELETE FROM customers"), "Query: 'DELETE FROM customers' must begin with SELECT or WITH: a query reads rows"),
    ],
)
def test_an_impossible_table_is_refused(make: Callable[[], Table], reason: str) -> None:
    with pytest.raises(SpecError, match=reason):
        make()


@pytest.mark.parametrize(
    ("table", "code"),
    [
        (CSV(), "CSV()"),
        (CSV(separator=";", decimal=",", encoding="cp1252"), "CSV(separator=';', decimal=',', encoding='cp1252')"),
        (CSV(separator="\t", header=False, names=("a", "b")), "CSV(separator='\\t', header=False, names=('a', 'b'))"),
        (Parquet(), "Parquet()"),
        (JSONLines(), "JSONLines()"),
        (Excel(), "Excel()"),
        (Excel("May"), "Excel(sheet='May')"),
        (Query("SELECT 1"), "Query(sql='SELECT 1')"),
    ],
)
def test_a_table_as_code_is_that_table_without_its_defaults(table: Table, code: str) -> None:
    assert as_code(table) == code
    assert eval(code) == table
