"""Every bad request is refused with a message that shows what was received, and none of it is answered or logged as answered."""

from __future__ import annotations

import httpx
import pytest

from slipway import audit
from slipway.access import keys
from slipway.access.records import ACCESS

ROW = {"inputs": [[30, 0.0, "F"]]}
NAMES = ["Age", "Oldpeak", "Sex"]
CELLS = [
    pytest.param(
        [None, 0.0, "F"], "Age", "a whole number from 0 to 120 (years)", "nothing (null, NaN or an empty cell)", id="missing value"
    ),
    pytest.param([30, "high", "F"], "Oldpeak", "a number from -10 to 10 (mm)", '"high"', id="text for a number"),
    pytest.param([True, 0.0, "F"], "Age", "a whole number from 0 to 120 (years)", "true", id="bool for a number"),
    pytest.param([40.5, 0.0, "F"], "Age", "a whole number from 0 to 120 (years)", "40.5", id="fraction for a whole number"),
    pytest.param([140, 0.0, "F"], "Age", "a whole number from 0 to 120 (years)", "140", id="out of range"),
    pytest.param([30, 0.0, "X"], "Sex", "one of 'F', 'M'", '"X"', id="unknown category"),
    pytest.param([30, 0.0, 1], "Sex", "one of 'F', 'M'", "1", id="number for a category"),
]


@pytest.mark.parametrize(("row", "column", "expected", "received"), CELLS)
def test_a_cell_that_breaks_the_contract_is_named(answering, row, column, expected, received):
    reply = answering.ask({"inputs": [[30, 0.0, "F"], row]})

    assert reply.status_code == 400
    assert reply.json()["violations"] == [{"row": 1, "column": column, "expected": expected, "received": received}]
    assert f"row 1, column {column!r}: expected {expected}, received {received}" in reply.json()["message"]
    assert reply.headers["x-request-id"] not in {line.request_id for line in audit.read(answering.home, "toy", 1000)}


def test_a_wrong_column_is_both_missing_and_extra(answering):
    reply = answering.ask({"dataframe_split": {"columns": ["age", *NAMES[1:]], "data": [[30, 0.0, "F"]]}})

    body = reply.json()
    assert (reply.status_code, body["error_code"], body["total"]) == (400, "BAD_REQUEST", 2)
    assert [(v["row"], v["column"], v["received"]) for v in body["violations"]] == [(0, "Age", "no such column"), (0, "age", "30")]


def test_an_extra_column_is_refused_where_mlflow_ignores_it(answering):
    reply = answering.ask({"dataframe_records": [{"Age": 30, "Oldpeak": 0.0, "Sex": "F", "Name": "Ann"}]})

    assert reply.status_code == 400
    [violation] = reply.json()["violations"]
    assert violation == {"row": 0, "column": "Name", "expected": "only the columns Age, Oldpeak, Sex", "received": '"Ann"'}


def test_unparsable_json_is_refused(answering):
    for body in (b"", b"{", b"{'inputs': 1}", b'{"inputs": [[NaN, 0, "F"]]}', b'{"inputs": [[1e999, 0, "F"]]}', b"\xff", b"[" * 200_000):
        headers = answering.bearer | {"Content-Type": "application/json"}
        reply = httpx.post(f"{answering.model_url}/invocations", content=body, headers=headers)

        assert (reply.status_code, reply.json()["error_code"]) == (400, "BAD_REQUEST"), body[:30]


def test_a_body_of_eleven_megabytes_is_refused_with_and_without_its_length(answering):
    headers = answering.bearer | {"Content-Type": "application/json"}
    megabyte = b" " * 1024 * 1024

    with_length = httpx.post(f"{answering.model_url}/invocations", content=megabyte * 11, headers=headers)
    without_length = httpx.post(f"{answering.model_url}/invocations", content=(megabyte for _ in range(11)), headers=headers)

    assert (with_length.status_code, without_length.status_code) == (413, 413)
    assert "10,485,760 bytes" in with_length.json()["message"]
    assert answering.ask({"inputs": [[30, 0.0, "F"]]}).is_success


def test_a_request_without_a_valid_key_is_refused(answering):
    content = {"inputs": [[30, 0.0, "F"]]}
    for header in (None, "Bearer", f"Bearer {keys.generate()}", f"Basic {answering.key}", answering.key, "Bearer \u00e9"):
        headers = {"Authorization": header.encode("latin-1")} if header else {}
        for method, url in (
            ("POST", f"{answering.model_url}/invocations"),
            ("POST", f"{answering.url}/models/toy/invocations"),
            ("GET", f"{answering.url}/models"),
            ("GET", f"{answering.url}/models/toy"),
            ("GET", f"{answering.url}/models/other"),
        ):
            reply = httpx.request(method, url, json=content if method == "POST" else None, headers=headers)
            assert (reply.status_code, reply.headers["www-authenticate"]) == (401, 'Bearer realm="slipway"')
            assert reply.json()["error_code"] == "UNAUTHENTICATED"
            assert answering.key not in reply.text


def test_without_a_key_file_every_caller_is_refused(serving, until):
    (serving.home / ACCESS).unlink()
    until(lambda: serving.ask(ROW).status_code == 401, seconds=1)


def test_with_a_damaged_key_file_every_caller_is_refused(serving, until):
    (serving.home / ACCESS).write_text("{")
    until(lambda: serving.ask(ROW).status_code == 503, seconds=1)
    assert "access.json" in serving.log()


def test_a_revoked_key_stops_working_within_a_second_and_others_go_on(serving, until):
    other = keys.generate()
    keys.add(serving.home, "other", other)

    keys.revoke(serving.home, "tester")
    until(lambda: serving.ask(ROW).status_code == 401, seconds=1)

    serving.key = other
    assert serving.ask({"inputs": [[30, 0.0, "F"]]}).is_success


def test_a_short_key_is_not_stored(tmp_path):
    with pytest.raises(keys.WeakKeyError, match="received 6"):
        keys.add(tmp_path, "me", "secret")
    assert not (tmp_path / ACCESS).exists()


def test_the_key_file_contains_no_key_and_is_for_its_owner_only(cold_gateway):
    path = cold_gateway.home / ACCESS

    assert cold_gateway.key not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
