"""Every input form of MLflow's protocol becomes columns; any other body is refused with the reason."""

from __future__ import annotations

import json
import re

import pytest

from slipway.bundle.contract import Column, Contract
from slipway.gateway.bodies.mlflow import decode
from slipway.gateway.bodies.sizes import ALLOWED
from slipway.gateway.replies import RequestError
from slipway.rows.checks import ABSENT

COLUMNS = (
    Column("Age", "integer", "age", unit="years", low=0, high=120),
    Column("Oldpeak", "number", "depression"),
    Column("Sex", "category", "sex", values=("F", "M")),
)
JSON, CSV = "application/json", "text/csv"


def contract(columns: tuple[Column, ...] = COLUMNS) -> Contract:
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


def columns_of(content, kind=JSON, of=COLUMNS):
    body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
    return {name: list(cells) for name, cells in decode(kind, body, contract(of)).items()}


def refusal_of(content, kind=JSON):
    with pytest.raises(RequestError) as refused:
        columns_of(content, kind)
    return refused.value


def test_the_index_of_split_is_ignored():
    content = {"dataframe_split": {"index": [9], "columns": ["Sex", "Age", "Oldpeak"], "data": [["F", 30, 0.5]]}}
    assert columns_of(content) == {"Sex": ["F"], "Age": [30], "Oldpeak": [0.5]}


def test_rows_without_names_are_in_contract_order():
    assert columns_of({"inputs": [[30, 0.5, "F"], [40, 1, "M"]]}) == {"Age": [30, 40], "Oldpeak": [0.5, 1], "Sex": ["F", "M"]}


def test_a_key_that_a_record_lacks_is_absent_and_not_null():
    columns = columns_of({"dataframe_records": [{"Age": 30, "Sex": None}, {"Age": 40}]})
    assert columns == {"Age": [30, 40], "Sex": [None, ABSENT]}


def test_one_column_takes_a_flat_list_as_mlflow_does():
    assert columns_of({"instances": [30, 40]}, of=COLUMNS[:1]) == {"Age": [30, 40]}
    assert columns_of({"instances": [[30], [40]]}, of=COLUMNS[:1]) == {"Age": [30, 40]}


def test_csv_cells_are_numbers_where_the_contract_says_so():
    text = 'Age,Oldpeak,Sex\n30,1e-1,F\n\n40.0,,"M"\nold,1_0,\n nan,7,3\n'
    expected = {"Age": [30, 40.0, "old", None], "Oldpeak": [0.1, None, "1_0", 7], "Sex": ["F", "M", None, "3"]}
    assert columns_of(text, CSV) == expected
    assert [type(cell) for cell in columns_of(text, CSV)["Age"][:2]] == [int, float]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "expected a JSON object with one of dataframe_split or"),
        ({}, "received an empty object"),
        ({"rows": []}, "expected exactly one of .* received 'rows'"),
        ({"inputs": [[1, 2, "F"]], "instances": [[1, 2, "F"]]}, "received 'inputs', 'instances'"),
        ({"inputs": [[1, 2, "F"]], "parms": {}}, "expected no other key beside inputs than params, received 'parms'"),
        ({"inputs": [[1, 2, "F"]], "params": {"x": 1}}, r'toy takes no parameters, received \{"x":1\}'),
        ({"inputs": [[1, 2, "F"]], "params": ""}, 'toy takes no parameters, received ""'),
        ({"inputs": [[1, 2, "F"]], "params": 0}, "toy takes no parameters, received 0"),
        ({"inputs": []}, "contains no rows"),
        ({"inputs": {}}, "contains no rows"),
        ({"inputs": 3}, "expected a list of rows, received a number"),
        ({"inputs": {"Age": [1, 2], "Sex": ["F"]}}, "columns of one length, received 'Age': 2, 'Sex': 1"),
        ({"inputs": {"Age": [1, 2], "Sex": "F"}}, "column 'Sex': expected a list of values"),
        ({"dataframe_records": {"Age": 1}}, "expected a list of rows, received an object"),
        ({"dataframe_split": [[1, 2, "F"]]}, "expected an object with columns, data and perhaps index, received a list"),
        ({"dataframe_split": {"data": [[1, 2, "F"]]}}, "received 'data'"),
        ({"dataframe_split": {"columns": [1], "data": [[1]]}}, "columns to be a list of names"),
        ({"dataframe_split": {"columns": ["Age", "Age"], "data": [[1, 2]]}}, "every column once, received 'Age' more than once"),
    ],
)
def test_another_form_is_refused_with_the_reason(content, message):
    refused = refusal_of(content)
    assert refused.status == 400
    assert re.search(message, str(refused))


@pytest.mark.parametrize(
    ("content", "row", "received"),
    [
        ({"inputs": [[1, 2, "F"], [1, 2]]}, 1, "2 values"),
        ({"inputs": [1, 2, "F"]}, 0, "1"),
        ({"dataframe_split": {"columns": ["Age"], "data": [[1, 2]]}}, 0, "2 values"),
        ({"dataframe_records": [{"Age": 1}, [1]]}, 1, "[1]"),
    ],
)
def test_a_row_of_another_shape_is_named(content, row, received):
    refused = refusal_of(content)
    assert (refused.violations[0].row, refused.violations[0].column, refused.violations[0].received) == (row, None, received)


def test_a_csv_row_of_another_length_is_named():
    assert refusal_of("Age,Oldpeak,Sex\n1,2,F\n1,2\n", CSV).violations[0].row == 1


def test_csv_that_is_no_csv_is_refused():
    for text in ("", 'Age\n"30', "Age,Age\n1,2"):
        assert refusal_of(text, CSV).status == 400
    with pytest.raises(RequestError, match="UTF-8"):
        decode(CSV, b"Age\n\xff", contract())


def test_more_rows_than_the_limit_are_413_in_every_form():
    many = ALLOWED.rows + 1
    assert refusal_of({"inputs": [[]] * many}).status == 413
    assert refusal_of({"dataframe_records": [{}] * many}).status == 413
    assert refusal_of({"inputs": {"Age": [1] * many}}).status == 413
    assert refusal_of("Age\n" + "1\n" * many, CSV).status == 413


def test_a_hundred_thousand_different_unknown_keys_do_not_become_a_table():
    columns = columns_of({"dataframe_records": [{f"key{row}": 1} for row in range(20_000)]})
    assert len(columns) == 20


@pytest.mark.parametrize("kind", [None, "", "text/plain", "application/vnd.apache.parquet", "application/json; charset=latin-1"])
def test_another_content_type_is_415(kind):
    assert refusal_of({"inputs": [[1, 2, "F"]]}, kind).status == 415
