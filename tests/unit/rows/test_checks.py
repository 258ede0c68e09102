"""A cell keeps the contract, or the error names row, column, what was expected and what was received."""

from __future__ import annotations

import math

import pytest

from slipway.bundle.contract import Column, Contract
from slipway.gateway.bodies.refusing import check
from slipway.gateway.replies import RequestError
from slipway.rows.checks import ABSENT, expected, shown

AGE = Column("Age", "integer", "age", unit="years", low=0, high=120)
OLDPEAK = Column("Oldpeak", "number", "depression")
SEX = Column("Sex", "category", "sex", values=("F", "M"))


def contract(*columns: Column) -> Contract:
    return Contract(
        format=1,
        model="toy",
        registered_as="toy",
        version=1,
        run_id="1",
        engine="onnx",
        description="a toy",
        columns=columns,
        target="y",
        classes=(0, 1),
        class_meanings=("no", "yes"),
        positive=1,
        threshold=0.5,
        data_sha256="0",
        sample=True,
        metrics={},
        mlflow_version="3.17.2",
        created_at="2026-11-01",
    )


def refusal_of(columns, *kinds):
    with pytest.raises(RequestError) as refused:
        check(columns, contract(*kinds))
    return refused.value


def test_good_columns_come_back_in_contract_order():
    columns = {"Sex": ["F", "M"], "Oldpeak": [1, -0.5], "Age": [0, 120.0]}

    assert list(check(columns, contract(AGE, OLDPEAK, SEX)).items()) == [("Age", [0, 120.0]), ("Oldpeak", [1, -0.5]), ("Sex", ["F", "M"])]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        *[(AGE, cell) for cell in (None, ABSENT, True, "40", 40.5, -1, 121, 10**400, math.nan, math.inf, [40], {"x": 1})],
        *[(OLDPEAK, cell) for cell in (None, ABSENT, False, "", 10**400, 3.5e38, -math.inf, math.nan, [])],
        *[(SEX, cell) for cell in (None, ABSENT, "f", "F ", "", 1, True, ["F"], {"F": "F"})],
    ],
)
def test_one_bad_cell_among_good_ones_is_found_in_any_row(column, cell):
    good = "F" if column is SEX else 7
    for row in range(3):
        cells = [good] * 3
        cells[row] = cell

        refused = refusal_of({column.name: cells}, column)

        assert [(v.row, v.column, v.expected) for v in refused.violations] == [(row, column.name, expected(column))]
        assert refused.total == 1


def test_twenty_are_shown_by_row_and_all_are_counted():
    refused = refusal_of({"Age": [-1] * 500, "Sex": ["F"] * 499 + ["X"], "Name": ["Ann"] * 500}, AGE, SEX)

    assert refused.total == 502  # 500 ages, one sex, one unknown column
    assert len(refused.violations) == 20
    assert [v.row for v in refused.violations] == sorted(v.row for v in refused.violations)
    assert "in 502 places" in str(refused)
    assert "... and 482 more" in str(refused)


def test_missing_and_extra_columns_are_shown_once_and_not_for_every_row():
    refused = refusal_of({"Name": [ABSENT, "Ann"]}, AGE)

    assert [(v.row, v.column, v.received) for v in refused.violations] == [(0, "Age", "no such column"), (1, "Name", '"Ann"')]


def test_expected_names_range_and_unit():
    assert expected(AGE) == "a whole number from 0 to 120 (years)"
    assert expected(OLDPEAK) == "a number"
    assert expected(Column("x", "number", "x", low=0.1)) == "a number from 0.1"
    assert expected(SEX) == "one of 'F', 'M'"


def test_a_received_value_is_shortened():
    assert shown("x" * 5_000_000) == '"' + "x" * 56 + "..."
    assert shown([0] * 1000) == "[" + "0," * 28 + "..."
    assert (shown(None), shown(True), shown(40.5), shown(ABSENT)) == ("nothing (null, NaN or an empty cell)", "true", "40.5", "no value")
