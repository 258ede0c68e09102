"""Any body is decoded and checked, or refused with the reason; valid rows get the engine's answers."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.bundle.deployment import load
from slipway.bundle.store.active import Pointer
from slipway.gateway.bodies import mlflow, outcomes, predictions, typed_rows
from slipway.gateway.replies import RequestError
from slipway.gateway.versions.answering import score
from slipway.rows.checks import LISTED

NAMES = ["Age", "Oldpeak", "Sex"]
BOUNDED = settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])

ages = st.integers(0, 120) | st.integers(0, 120).map(float)
valid_rows = st.lists(
    st.tuples(ages, st.floats(-10, 10, width=32) | st.integers(-10, 10), st.sampled_from(["F", "M"])), min_size=1, max_size=12
)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(NAMES),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*NAMES, "subject", "columns", "data", "index"]) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)
cells_of_csv = st.text(max_size=6) | st.sampled_from(["30", "0.5", "F", "nan", "-inf", "=1+1"])
of_outcomes = ["prediction_id", "subject", "outcome", "observed_at"]
some_of_theirs = anything | st.sampled_from([0, 1, 1.0, "a-0", "2026-11-01T08:00:00Z"])
claims = st.lists(st.dictionaries(st.sampled_from(of_outcomes), some_of_theirs) | anything, min_size=1)
keys = st.sampled_from(["dataframe_split", "dataframe_records", "inputs", "instances", "params", "row", "rows", "x"])


@pytest.fixture(scope="module", params=[0, typed_rows.MANY], ids=["as many rows", "as few rows"])
def deployment(request, bundles):
    """The toy, whose bodies are all decoded in the way that is for many rows, and then all in the one for few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typed_rows, "MANY", request.param)
        yield load(bundles["toy-1"], "toy", Pointer("toy-1", 8999, "one"), 8999)


def mlflow_body(content_type, body, contract):
    return mlflow.decode(content_type, body, contract), ()


def outcome(decode, deployment, content_type, body):
    """Return the answer or the refusal; any other error fails the test."""
    try:
        return score(decode, deployment, content_type, body)
    except RequestError as error:
        refused = error
    reply = refused.reply().body
    assert refused.status in (400, 413, 415)
    assert json.loads(reply)["message"]
    assert len(refused.violations) <= LISTED
    assert len(reply) < 20_000
    return refused


@BOUNDED
@given(claims)
def test_any_outcomes_are_read_or_refused(deployment, rows):
    claims, violations = outcomes.decode("application/json", json.dumps({"outcomes": rows}).encode(), deployment.contract)

    right = [row for row in range(len(rows)) if row not in {violation.row for violation in violations}]
    assert [claim.row for claim in claims if claim.row in right] == right
    assert all(type(claim.label) is int and claim.label in (0, 1) for claim in claims if claim.row in right)
    assert all((claim.prediction_id is None) != (claim.subject is None) for claim in claims)


@BOUNDED
@given(st.dictionaries(keys, anything, max_size=2) | anything)
def test_any_json_is_answered_or_refused(deployment, content):
    body = json.dumps(content).encode()

    for decode in (mlflow_body, predictions.decode):
        outcome(decode, deployment, "application/json", body)


@BOUNDED
@given(st.binary(max_size=300), st.sampled_from(["application/json", "text/csv", "text/csv; charset=utf-8", "x", ""]))
def test_any_bytes_are_answered_or_refused(deployment, body, content_type):
    for decode in (mlflow_body, predictions.decode):
        outcome(decode, deployment, content_type, body)


@BOUNDED
@given(st.lists(st.lists(cells_of_csv, max_size=4), max_size=5), st.booleans())
def test_any_csv_is_answered_or_refused(deployment, lines, headed):
    text = io.StringIO()
    csv.writer(text).writerows([NAMES, *lines] if headed else lines)

    outcome(mlflow_body, deployment, "text/csv", text.getvalue().encode("utf-8", "surrogatepass"))


@BOUNDED
@given(st.data(), valid_rows)
def test_cutting_or_altering_a_valid_body_never_breaks_anything(deployment, data, rows):
    body = json.dumps({"rows": [dict(zip(NAMES, row, strict=True)) for row in rows]}).encode()
    cut = data.draw(st.integers(0, len(body)))
    put = data.draw(st.binary(max_size=3))

    outcome(predictions.decode, deployment, "application/json", body[:cut] + put + body[cut + len(put) :])


@BOUNDED
@given(valid_rows, st.integers(0, 5))
def test_valid_rows_are_answered_as_the_engine_answers_them(deployment, rows, form):
    records = [dict(zip(NAMES, row, strict=True)) for row in rows]
    columns = {name: [record[name] for record in records] for name in NAMES}
    bodies = [
        (predictions.decode, {"rows": [{"subject": "p1", **record} if row % 2 else record for row, record in enumerate(records)]}),
        (mlflow_body, {"dataframe_split": {"columns": NAMES[::-1], "data": [row[::-1] for row in rows]}}),
        (mlflow_body, {"dataframe_records": records}),
        (mlflow_body, {"inputs": rows}),
        (mlflow_body, {"instances": columns}),
        (mlflow_body, {"inputs": records, "params": None}),
    ]
    decode, content = bodies[form]

    scored = score(decode, deployment, "application/json", json.dumps(content).encode())

    labels, probabilities = deployment.predict(columns)
    assert (scored.labels, scored.probabilities) == (labels, probabilities)


@BOUNDED
@given(valid_rows, st.data())
def test_one_bad_cell_anywhere_is_found_and_nothing_is_answered(deployment, rows, data):
    row, name = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.sampled_from(NAMES))
    bad = data.draw(st.sampled_from([None, True, "", "X", [], {}, 1e39, -11, 10**30, "30", [[1]], {"a": {}}]))
    records = [dict(zip(NAMES, cells, strict=True)) for cells in rows]
    records[row][name] = bad

    refused = outcome(predictions.decode, deployment, "application/json", json.dumps({"rows": records}).encode())

    assert [(violation.row, violation.column) for violation in refused.violations] == [(row, name)]


@BOUNDED
@given(st.floats(-20, 130))
def test_numbers_just_inside_a_range_are_taken_and_just_outside_refused(deployment, cell):
    edges = [cell, math.nextafter(cell, math.inf), math.nextafter(-10.0, -math.inf), math.nextafter(10.0, math.inf), -10.0, 10.0]
    for edge in edges:
        body = json.dumps({"inputs": [[30, edge, "F"]]}).encode()
        assert (-10 <= edge <= 10) == (not isinstance(outcome(mlflow_body, deployment, "application/json", body), RequestError))


@BOUNDED
@given(st.lists(st.sampled_from([None, "a", "b:c"]) | st.just("absent"), min_size=1, max_size=6))
def test_subjects_stay_with_their_rows(deployment, subjects):
    records = [{"Age": 30, "Oldpeak": 0.0, "Sex": "F"} | ({} if subject == "absent" else {"subject": subject}) for subject in subjects]

    scored = score(predictions.decode, deployment, "application/json", json.dumps({"rows": records}).encode())

    expected = [None if subject == "absent" else subject for subject in subjects]
    assert list(scored.subjects) == (expected if any(expected) else [])


@BOUNDED
@given(st.sampled_from(NAMES), st.booleans())
def test_a_repeated_key_is_found_however_many_rows_there_are(deployment, name, escaped):
    row = '{"Age": 30, "Oldpeak": 0.0, "Sex": "F"}'
    key = "".join(f"\\u{ord(character):04x}" for character in name) if escaped else name
    body = f'{{"rows": [{row}, {row[:-1]}, "{key}": 0}}, {row}]}}'.encode()

    [violation] = outcome(predictions.decode, deployment, "application/json", body).violations

    assert (violation.row, violation.column) == (1, name)
