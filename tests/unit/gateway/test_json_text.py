"""A repeated key of a JSON object is refused, however it is written; so is a body that is not JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.bundle.contract import Column, Contract
from slipway.gateway.bodies.json_text import decode
from slipway.gateway.replies import RequestError
from slipway.rows.checks import Unreadable, shown

CONTRACT = Contract(
    format=1, model="toy", registered_as="toy", version=1, run_id="1", engine="onnx", description="a toy",
    columns=(Column("Age", "integer", "age"),), target="y", classes=(0, 1), class_meanings=("no", "yes"), positive=1,
    threshold=0.5, data_sha256="0", sample=True, metrics={}, mlflow_version="3.17.2", created_at="2026-11-01",
)  # fmt: skip


def refusal_of(body: bytes) -> RequestError:
    with pytest.raises(RequestError) as refused:
        decode(body, CONTRACT)
    return refused.value


@pytest.mark.parametrize(
    ("body", "row", "column", "times"),
    [
        (b'{"inputs": [{"Age": 1, "Age": 2}]}', 0, "Age", 2),
        (b'{"inputs": [{"Age": 1}, {"Age": 1, "Sex": ":", "\\u0041ge": 1, "Age": 1}]}', 1, "Age", 3),
        (b'{"inputs": [{"Age": ":", "A\\u0067e": 2}]}', 0, "Age", 2),
        (b'{"rows": [{"a\\"b": 1, "a\\u0022b": 2}]}', 0, 'a"b', 2),
        (b'{"rows": [{"a\\\\": 1, "a\\\\": 2}]}', 0, "a\\", 2),
    ],
)
def test_a_repeated_key_is_named_by_row_and_column(body, row, column, times):
    [violation] = refusal_of(body).violations

    assert (violation.row, violation.column, violation.expected, violation.received) == (row, column, "every key once", f"it {times} times")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"inputs": [], "inputs": []}', "'inputs' occurs more than once"),
        (b'{"dataframe_split": {"data": [], "columns": [], "data": []}}', "'data' occurs more than once"),
        (b'{"dataframe_split": {"columns": [], "data": [], "index": [[{"x": 1, "x": 1}]]}}', "expected every key of an object once."),
        (b'[{"x": 1, "x": 1}]', "expected every key of an object once."),
    ],
)
def test_a_key_that_is_repeated_outside_of_rows_is_refused_too(body, named):
    refused = refusal_of(body)

    assert (refused.status, refused.violations) == (400, ())
    assert named in str(refused)


def test_twenty_repetitions_are_shown_and_all_are_counted():
    refused = refusal_of(b'{"rows": [' + b",".join([b'{"Age": 1, "Age": 1}'] * 500) + b"]}")

    assert (len(refused.violations), refused.total) == (20, 500)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"a": ', b"nan", b'{"a": Nan}', b"[1e]", b"[NaN, \"\\ud800\"]", b"\xff", b'"\xed\xa0\x80"',
     b'"\\ud800"', b'"\x00"', b"{} x",
     b'{"a": "\n"}', b"[" * 100_000, b'{"a":' * 100_000, '{"a": 1}'.encode("utf-16")],
)  # fmt: skip
def test_a_body_that_is_not_json_is_refused(body):
    assert refusal_of(body).status == 400


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 5_000, "1" * 400 + ".5"])
def test_a_number_that_json_does_not_have_is_kept_as_it_was_written(written):
    [cell] = decode(f'{{"a": [{written}]}}'.encode(), CONTRACT)["a"]

    assert isinstance(cell, Unreadable)
    assert shown(cell) == written[:60]


def test_a_byte_order_mark_is_no_part_of_the_content():
    assert decode(b'\xef\xbb\xbf{"a": 1}', CONTRACT) == {"a": 1}


KEYS = st.text(st.sampled_from('ab:"\\\u00e9\n{'), max_size=3)
SCALARS = st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('x:"\\,{}'), max_size=4)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(KEYS, inner), max_size=4).map(tuple), max_leaves=12
)


def written(value, escape) -> str:
    """Write JSON in which an object is a tuple of pairs, so that it can repeat keys."""
    if isinstance(value, tuple):
        return "{" + ", ".join(f"{escape(key)} : {written(inner, escape)}" for key, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(inner, escape) for inner in value) + "]"
    return json.dumps(value)


def repeats(value) -> bool:
    if isinstance(value, tuple):
        return len({key for key, _ in value}) < len(value) or any(repeats(inner) for _, inner in value)
    return isinstance(value, list) and any(map(repeats, value))


@settings(max_examples=400, derandomize=True, deadline=None)
@given(VALUES, st.booleans())
def test_exactly_the_bodies_that_repeat_a_key_are_refused(value, escaped):
    """Half of the keys are written with an escape for every character, so that equal keys can differ in their bytes."""
    shown = (lambda key: '"' + "".join(f"\\u{ord(character):04x}" for character in key) + '"') if escaped else json.dumps
    body = written(value, shown).encode()

    if repeats(value):
        assert "once" in str(refusal_of(body))
    else:
        assert decode(body, CONTRACT) == json.loads(body)
