"""Hostile bodies: each is refused quickly with 4xx and the reason, and the gateway still answers."""

from __future__ import annotations

import time

import httpx
import pytest

JSON, CSV = "application/json", "text/csv"
GOOD = b'{"Age": 30, "Oldpeak": 0.0, "Sex": "F"}'
MANY = 60_000
BODIES = {
    "empty": (JSON, b""),
    "cut off": (JSON, b'{"inputs": [[30, 0.0, "F"]'),
    "two documents": (JSON, b'{"inputs": [[30, 0, "F"]]}{"inputs": [[30, 0, "F"]]}'),
    "deep lists": (JSON, b"[" * 500_000),
    "deep lists that close": (JSON, b'{"inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "deep objects": (JSON, b'{"inputs":' * 100_000),
    "deep, just decodable": (JSON, b'{"inputs": [[' + b"[" * 900 + b"]" * 900 + b', 0, "F"]]}'),
    "huge whole number": (JSON, b'{"inputs": [[' + b"9" * 4_000 + b', 0, "F"]]}'),
    "enormous whole number": (JSON, b'{"inputs": [[' + b"9" * 1_000_000 + b', 0, "F"]]}'),
    "beyond a double": (JSON, b'{"inputs": [[30, 1e400, "F"]]}'),
    "beyond a float32": (JSON, b'{"inputs": [[30, 1e300, "F"]]}'),
    "long fraction": (JSON, b'{"inputs": [[30, 0.' + b"0" * 100_000 + b'x, "F"]]}'),
    "NaN": (JSON, b'{"inputs": [[30, NaN, "F"]]}'),
    "infinity": (JSON, b'{"inputs": [[30, -Infinity, "F"]]}'),
    "lone surrogate": (JSON, b'{"inputs": [[30, 0, "\\ud800"]]}'),
    "surrogate in UTF-8": (JSON, b'{"inputs": [[30, 0, "\xed\xa0\x80"]]}'),
    "overlong UTF-8": (JSON, b'{"inputs": [[30, 0, "\xc0\xaf"]]}'),
    "NUL": (JSON, b'{"inputs": [[30, 0, "F\x00"]]}'),
    "escaped NUL": (JSON, b'{"inputs": [[30, 0, "F\\u0000"]]}'),
    "UTF-16": (JSON, '{"inputs": [[30, 0, "F"]]}'.encode("utf-16")),
    "repeated key": (JSON, b'{"inputs": [{"Age": 30, "Oldpeak": 0.0, "Sex": "F", "Age": 31}]}'),
    "repeated key, escaped": (JSON, b'{"inputs": [{"Age": 30, "Oldpeak": 0.0, "Sex": "F", "\\u0041ge": 31}]}'),
    "repeated key, a million times": (JSON, b'{"inputs": {' + b",".join([b'"Age":1'] * 1_000_000) + b"}}"),
    "a hundred thousand columns": (JSON, b'{"inputs": {' + b",".join(b'"c%d":[1]' % i for i in range(100_000)) + b"}}"),
    "one row with as many keys": (JSON, b'{"inputs": [{' + b",".join(b'"c%d":1' % i for i in range(100_000)) + b"}]}"),
    "colons in a text": (JSON, b'{"inputs": [[30, 0, "' + b":" * 5_000_000 + b'"]]}'),
    "quotes in texts": (JSON, b'{"inputs": [[30, 0, "' + b'\\":' * 1_000_000 + b'"]]}'),
    "every cell wrong": (JSON, b'{"inputs": [' + b",".join([b'["x","y",1]'] * MANY) + b"]}"),
    "prototype": (JSON, b'{"inputs": [{"__proto__": {"Age": 30}, "Oldpeak": 0.0, "Sex": "F"}]}'),
    "look-alike letters": (JSON, '{"inputs": [{"Аge": 30, "Oldpeak": 0.0, "Sex": "F"}]}'.encode()),
    "SQL": (JSON, b'{"inputs": [[30, 0, "F\'); DROP TABLE predictions; --"]]}'),
    "JSON called CSV": (CSV, b'{"inputs": [[30, 0, "F"]]}'),
    "CSV called JSON": (JSON, b"Age,Oldpeak,Sex\n30,0,F\n"),
    "form": ("application/x-www-form-urlencoded", b"Age=30"),
    "open quote": (CSV, b'Age,Oldpeak,Sex\n30,0,"F\n'),
    "text after a quote": (CSV, b'Age,Oldpeak,Sex\n30,0,"F"x\n'),
    "formula": (CSV, b"Age,Oldpeak,Sex\n=1+29,0,F\n"),
    "command": (CSV, b"Age,Oldpeak,Sex\n30,0,\"=cmd|'/c calc'!A0\"\n"),
    "other digits": (CSV, "Age,Oldpeak,Sex\n٣٠,0,F\n".encode()),
    "grouped digits": (CSV, b'Age,Oldpeak,Sex\n"1,0",0,F\n'),
    "underscored digits": (CSV, b"Age,Oldpeak,Sex\n3_0,0,F\n"),
    "hexadecimal": (CSV, b"Age,Oldpeak,Sex\n0x1e,0,F\n"),
    "infinity in CSV": (CSV, b"Age,Oldpeak,Sex\n30,inf,F\n"),
    "NaN with a sign in CSV": (CSV, b"Age,Oldpeak,Sex\n30,-nan,F\n"),
    "NUL in CSV": (CSV, b"Age,Oldpeak,Sex\n30,0,F\x00\n"),
    "semicolons": (CSV, b"Age;Oldpeak;Sex\n30;0;F\n"),
    "Latin-1": (CSV, b"Age,Oldpeak,Sex\n30,0,\xff\n"),
    "one enormous cell": (CSV, b"Age,Oldpeak,Sex\n30,0," + b"x" * 1_000_000 + b"\n"),
    "long number in CSV": (CSV, b"Age,Oldpeak,Sex\n" + b"9" * 5_000 + b",0,F\n"),
    "only line ends": (CSV, b"\n" * 1_000_000),
}


@pytest.mark.parametrize("name", BODIES)
def test_it_is_refused_in_words(answering, name):
    content_type, body = BODIES[name]
    for path in ("invocations", "predict"):
        started = time.perf_counter()
        reply = httpx.post(
            f"{answering.model_url}/{path}", content=body, headers=answering.bearer | {"Content-Type": content_type}, timeout=30
        )

        assert reply.status_code in (400, 413, 415), reply.text
        assert reply.json()["message"]
        assert len(reply.content) < 20_000
        assert time.perf_counter() - started < 10
    assert answering.ask({"inputs": [[30, 0.0, "F"]]}).json() == {"predictions": [0]}


@pytest.mark.parametrize(
    "subject", [1, "", " \n", "x" * 201, "a\x00b", "a\nb", ["a"], {"a": 1}, True, "\u202e", 1.5], ids=lambda subject: repr(subject)[:20]
)
def test_a_subject_that_is_no_plain_text_is_refused_with_all_other_violations(answering, subject):
    rows = [{"subject": subject, "Age": 300, "Oldpeak": 0.0, "Sex": "F"}]

    reply = httpx.post(f"{answering.model_url}/predict", json={"rows": rows}, headers=answering.bearer)

    assert reply.status_code == 400
    assert {violation["column"] for violation in reply.json()["violations"]} == {"subject", "Age"}


def test_headers_that_say_strange_things_are_refused(answering):
    for headers, statuses in (
        ({"Content-Type": "application/json; charset=utf-7"}, {415}),
        ({"Content-Type": "application/json\t; charset="}, {415}),
        ({"Content-Type": "a" * 10_000}, {415}),
        ({"Content-Type": JSON, "Content-Encoding": "gzip"}, {400}),
    ):
        reply = httpx.post(f"{answering.model_url}/invocations", content=b"\x1f\x8b", headers=answering.bearer | headers)
        assert reply.status_code in statuses, headers
        assert len(reply.content) < 1_000
