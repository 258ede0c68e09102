"""Bodies as people send them: compressed, in every form on every path, and wrong in ways that a message names."""

from __future__ import annotations

import gzip
import io
import json
import zlib

import httpx
import pytest

JSON, CSV = "application/json", "text/csv"
NAMES = ["Age", "Oldpeak", "Sex"]
ROWS = [[30, 0.0, "F"], [80, 2.0, "M"]]
RECORDS = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
TEXT = "Age,Oldpeak,Sex\n30,0.0,F\n80,2,M\n"
BODY = json.dumps({"inputs": ROWS}).encode()


@pytest.fixture(scope="module")
def client(answering):
    with httpx.Client(base_url=answering.model_url, headers=answering.bearer, timeout=30) as client:
        yield client


def send(client, body, kind=JSON, path="/invocations", **headers):
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    return client.post(
        path, content=content, headers={"Content-Type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
    )


def raw_deflate(body):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACKED = {
    "gzip": ("gzip", gzip.compress(BODY)),
    "x-gzip": ("x-gzip", gzip.compress(BODY)),
    "gzip in capitals": ("GZIP", gzip.compress(BODY)),
    "gzip in two members": ("gzip", gzip.compress(BODY[:9]) + gzip.compress(BODY[9:])),
    "deflate": ("deflate", zlib.compress(BODY)),
    "deflate without its wrapper": ("deflate", raw_deflate(BODY)),
    "identity": ("identity", BODY),
    "nothing": ("", BODY),
    "gzip and identity": ("identity, gzip", gzip.compress(BODY)),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_compressed_body_is_decoded(client, name):
    coding, body = PACKED[name]

    assert send(client, body, Content_Encoding=coding).json() == {"predictions": [0, 1]}


def test_a_large_compressed_body_is_decoded(client):
    rows = b'{"inputs":[' + b",".join([b'[30,0.0,"F"]'] * 60_000) + b"]}"

    assert send(client, gzip.compress(rows), Content_Encoding="gzip").json() == {"predictions": [0] * 60_000}


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "deflate, gzip", "aws-chunked"])
def test_another_coding_is_refused_by_name_with_those_that_are_taken(client, coding):
    reply = send(client, BODY, Content_Encoding=coding)

    assert (reply.status_code, reply.headers["accept-encoding"]) == (415, "gzip, deflate")
    assert reply.json()["message"] == f"Content-Encoding: expected gzip or deflate, received {coding!r}; send the body without it."


DAMAGED = {
    "not gzip": ("gzip", BODY),
    "cut gzip": ("gzip", gzip.compress(BODY)[:-9]),
    "gzip without its last byte": ("gzip", gzip.compress(BODY)[:-1]),
    "gzip with another sum": ("gzip", gzip.compress(BODY)[:-8] + b"\x00" * 8),
    "gzip and more": ("gzip", gzip.compress(BODY) + b"more"),
    "gzip of empty members": ("gzip", gzip.compress(b"") * 200_000),
    "an empty body": ("gzip", b""),
    "not deflate": ("deflate", b"\xff" * 30),
    "cut deflate": ("deflate", zlib.compress(BODY)[:-5]),
    "deflate and more": ("deflate", zlib.compress(BODY) + b"more"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_body_is_refused(client, name):
    coding, body = DAMAGED[name]
    reply = send(client, body, Content_Encoding=coding)

    assert reply.status_code == 400
    assert reply.json()["message"].startswith(f"the body is not {coding}, as its Content-Encoding says: ")


def bomb(coding, gigabytes):
    zeros = bytes(2**20)
    packer = zlib.compressobj(9, wbits=31 if coding == "gzip" else 15)
    return b"".join([packer.compress(zeros) for _ in range(gigabytes * 1024)]) + packer.flush()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_bomb_is_refused_at_the_limit_of_the_decoded_size(client, answering, coding):
    import psutil

    packed = bomb(coding, 1)
    before = psutil.Process(answering.process.pid).memory_info().rss
    reply = send(client, packed, Content_Encoding=coding)

    assert (reply.status_code, reply.json()["error_code"]) == (413, "REQUEST_TOO_LARGE")
    assert "at most 10,485,760 bytes when it is decoded" in reply.json()["message"]
    assert psutil.Process(answering.process.pid).memory_info().rss - before < 60 * 2**20


def test_the_small_limit_of_a_sign_in_is_of_the_decoded_size_too(answering):
    reply = httpx.post(
        f"{answering.url}/sessions", content=gzip.compress(b" " * 5_000), headers={"Content-Type": JSON, "Content-Encoding": "gzip"}
    )

    assert (reply.status_code, "4,096 bytes when it is decoded" in reply.text) == (413, True)


FORMS = {
    "split": {"dataframe_split": {"columns": NAMES, "data": ROWS}},
    "records": {"dataframe_records": RECORDS},
    "inputs by position": {"inputs": ROWS},
    "inputs by column": {"inputs": dict(zip(NAMES, zip(*ROWS, strict=True), strict=True))},
    "inputs as records": {"inputs": RECORDS},
    "instances": {"instances": ROWS, "params": {}},
    "CSV": TEXT,
    "CSV with blank lines": TEXT.replace("\n", "\n  \n") + "   ",
    "CSV with CR LF and blanks at its end": TEXT.replace("\n", "\r\n") + "  \r\n\r\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_predict_takes_every_form_that_invocations_takes(client, name):
    body = FORMS[name]
    kind = CSV if isinstance(body, str) else JSON
    labels = send(client, body, kind).json()["predictions"]
    found = send(client, body, kind, "/predict").json()["predictions"]

    assert [one["label"] for one in found] == labels == [0, 1]


WITH_SUBJECTS = {
    "records": {"dataframe_records": [RECORDS[0] | {"subject": "a"}, RECORDS[1]]},
    "split": {"dataframe_split": {"columns": ["subject", *NAMES], "data": [["a", *ROWS[0]], [None, *ROWS[1]]]}},
    "by column": {"inputs": {"subject": ["a", None]} | dict(zip(NAMES, zip(*ROWS, strict=True), strict=True))},
    "CSV": "subject,Age,Oldpeak,Sex\na,30,0.0,F\n,80,2,M\n",
}


@pytest.mark.parametrize("name", WITH_SUBJECTS)
def test_rows_of_every_form_may_have_subjects_on_predict_and_not_on_invocations(client, name):
    body = WITH_SUBJECTS[name]
    kind = CSV if isinstance(body, str) else JSON

    found = send(client, body, kind, "/predict").json()["predictions"]

    assert [(one["label"], one["subject"]) for one in found] == [(0, "a"), (1, None)]
    assert send(client, body, kind).status_code == 400


@pytest.mark.parametrize("path", ["/invocations", "/predict", "/invocations/", "/predict/"])
@pytest.mark.parametrize("url", ["model_url", "url"])
def test_a_slash_at_the_end_of_a_path_changes_nothing(answering, path, url):
    prefix = "/models/toy" if url == "url" else ""
    reply = httpx.post(f"{getattr(answering, url)}{prefix}{path}", json={"inputs": ROWS}, headers=answering.bearer)

    assert reply.status_code == 200


UNREADABLE = {
    "NaN": (float("nan"), "NaN"),
    "infinity": (float("inf"), "Infinity"),
    "minus infinity": (float("-inf"), "-Infinity"),
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("path", ["/invocations", "/predict"])
def test_what_python_writes_for_no_number_is_named_by_row_and_column(client, name, path):
    value, written = UNREADABLE[name]
    rows = [RECORDS[0], RECORDS[1] | {"Oldpeak": value}]

    bodies = [
        {"dataframe_records": rows},
        {"inputs": [list(row.values()) for row in rows]},
        *([{"rows": rows}] if path == "/predict" else []),
    ]
    for body in bodies:
        reply = send(client, body, path=path)
        assert reply.status_code == 400
        [violation] = reply.json()["violations"]
        assert violation == {"row": 1, "column": "Oldpeak", "expected": "a number from -10 to 10 (mm)", "received": written}


@pytest.mark.parametrize("key", ["outcome", "observed_at", "prediction_id", "subject"])
def test_what_python_writes_for_no_number_is_named_in_outcomes_too(client, key):
    outcome = {"prediction_id": "a-0", "outcome": 1, "observed_at": None} | {key: float("nan")}
    if key == "subject":
        del outcome["prediction_id"]
    reply = send(client, {"outcomes": [outcome]}, path="/outcomes")

    assert reply.status_code == 400
    assert [violation["received"] for violation in reply.json()["violations"] if violation["column"] == key] == ["NaN"]


@pytest.mark.parametrize("written", ["1e400", "-1e400", "1" * 5_000, "1e39", "99999999999999999999"])
def test_a_number_out_of_any_range_is_named_by_row_and_column(client, written):
    reply = send(client, f'{{"inputs": [[30, 0.0, "F"], [30, {written}, "F"]]}}')

    [violation] = reply.json()["violations"]
    assert (violation["row"], violation["column"]) == (1, "Oldpeak")
    assert float(violation["received"].removesuffix("...")[:300])


NAMED = {
    "a semicolon": (CSV, TEXT.replace(",", ";"), "expected commas between the columns, received ';'"),
    "a semicolon and decimal commas": (
        CSV,
        TEXT.replace(",", ";").replace("0.0", "0,0"),
        "received ';'; numbers need a point, not a comma.",
    ),
    "a tab": (CSV, TEXT.replace(",", "\t"), r"received '\t'"),
    "a bar": (CSV, TEXT.replace(",", "|"), "received '|'"),
    "a semicolon and quotes": (CSV, '"Age";"Oldpeak";"Sex"\n30;0;"F"\n', "received ';'"),
    "row names": (CSV, ",Age,Oldpeak,Sex\n0,30,0.0,F\n", "Column '' looks like the row names of a frame"),
    "row names that were read back": (CSV, "Unnamed: 0,Age,Oldpeak,Sex\n0,30,0.0,F\n", "to_csv(index=False)"),
    "row names in JSON": (JSON, {"dataframe_records": [{"index": 0} | RECORDS[0]]}, "Column 'index' looks like the row names"),
    "the target": (JSON, {"dataframe_records": [{"Answer": 1} | RECORDS[0]]}, "Column 'Answer' is what toy predicts; leave it out."),
    "small letters": (JSON, {"dataframe_records": [{"age": 30, "Oldpeak": 0.0, "Sex": "F"}]}, "Column 'age' is probably 'Age'."),
    "a slip": (JSON, {"dataframe_records": [{"Age": 30, "Oldpaek": 0.0, "Sex": "F"}]}, "Column 'Oldpaek' is probably 'Oldpeak'."),
    "rows of another model": (JSON, {"dataframe_records": [{"price": 1, "rooms": 2}]}, "perhaps the rows are for another model"),
    "JSON called CSV": (CSV, json.dumps({"inputs": ROWS}), "received what looks like JSON; send it with Content-Type: application/json."),
    "CSV called JSON": (JSON, TEXT, "If it is CSV, send it with Content-Type: text/csv."),
    "Python's own writing": (JSON, str({"inputs": ROWS}), "JSON needs double quotes; in Python, json.dumps writes them."),
    "what curl sends by itself": ("application/x-www-form-urlencoded", BODY, "curl -d sends this type unless -H sets another."),
    "text": ("text/plain", BODY, "expected Content-Type application/json or text/csv, received 'text/plain'."),
    "an empty body": (JSON, b"", "the body is empty; expected JSON."),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_mistake_is_named_as_a_person_would_name_it_on_both_paths(client, name):
    kind, body, message = NAMED[name]
    for path in ("/invocations", "/predict"):
        reply = send(client, body, kind, path)

        assert reply.status_code in (400, 415)
        assert message in reply.json()["message"]


def test_a_frame_s_own_csv_is_taken_without_its_row_names_and_refused_with_them(client):
    import pandas as pd

    frame = pd.DataFrame(RECORDS)
    with_names, without = io.StringIO(), io.StringIO()
    frame.to_csv(with_names)
    frame.to_csv(without, index=False)

    assert send(client, without.getvalue(), CSV).json() == {"predictions": [0, 1]}
    refused = send(client, with_names.getvalue(), CSV)
    assert (refused.status_code, refused.json()["total"]) == (400, 1)
    assert "to_csv(index=False)" in refused.json()["message"]


def test_each_path_names_the_forms_that_it_takes(client):
    for path, body, message in (
        ("/invocations", {"rows": RECORDS}, "received 'rows'. POST /models/toy/predict takes row and rows."),
        (
            "/predict",
            {"foo": 1},
            "expected exactly one of rows or row or dataframe_split or dataframe_records or inputs or instances, received 'foo'.",
        ),
        ("/predict", [1], "expected a JSON object with one of rows or row or"),
        ("/predict", {"rows": RECORDS, "inputs": ROWS}, "expected exactly one key, row or rows, received 'rows', 'inputs'."),
        ("/invocations", {"dataframe_records": 3}, "dataframe_records: expected a list of rows, received a number."),
        ("/invocations", {"instances": 3}, "instances: expected a list of rows, received a number."),
    ):
        assert message in send(client, body, path=path).json()["message"]
