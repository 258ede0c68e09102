"""The gateway answers as `mlflow models serve` does: the same paths, forms and replies, on both ports."""

from __future__ import annotations

import httpx
import pytest

NAMES = ["Age", "Oldpeak", "Sex"]
ROWS = [[30, 0.0, "F"], [80, 2.0, "M"]]
FORMS = {
    "split": {"dataframe_split": {"columns": NAMES, "data": ROWS}},
    "split, other order": {"dataframe_split": {"columns": NAMES[::-1], "index": [7, 8], "data": [row[::-1] for row in ROWS]}},
    "records": {"dataframe_records": [dict(zip(NAMES, row, strict=True)) for row in ROWS]},
    "inputs by position": {"inputs": ROWS},
    "inputs by column": {"inputs": dict(zip(NAMES, zip(*ROWS, strict=True), strict=True))},
    "inputs as records": {"inputs": [dict(zip(NAMES, row, strict=True)) for row in ROWS]},
    "instances by position": {"instances": ROWS, "params": {}},
    "instances by column": {"instances": dict(zip(NAMES, zip(*ROWS, strict=True), strict=True)), "params": None},
    "instances as records": {"instances": [dict(zip(NAMES, row, strict=True)) for row in ROWS]},
}


def test_every_json_form_gets_the_same_answer_on_both_ports(answering):
    for content in FORMS.values():
        own = httpx.post(f"{answering.model_url}/invocations", json=content, headers=answering.bearer)
        main = httpx.post(f"{answering.url}/models/toy/invocations", json=content, headers=answering.bearer)

        assert own.json() == main.json() == {"predictions": [0, 1]}
        assert own.headers["content-type"] == "application/json"


def test_csv_gets_the_same_answer(answering):
    for text in ("Age,Oldpeak,Sex\n30,0.0,F\n80,2,M\n", '\ufeffSex,Age,Oldpeak\r\n"F",30.0,0\r\n"M",80,2.0'):
        headers = answering.bearer | {"Content-Type": "text/csv; charset=utf-8"}
        reply = httpx.post(f"{answering.model_url}/invocations", content=text.encode(), headers=headers)

        assert reply.json() == {"predictions": [0, 1]}


def test_one_row_as_plain_values_by_name_is_taken_as_mlflow_does(answering):
    assert answering.ask({"inputs": {"Age": 80, "Oldpeak": 2.0, "Sex": "M"}}).json() == {"predictions": [1]}


def test_text_classes_are_answered_as_texts(gateway, bundles):
    gateway.serve(bundles["words-1"], "words")

    answer = gateway.ask({"inputs": [[5, 0.0, "F"], [115, 0.0, "F"]]})

    assert answer.json() == {"predictions": ["Dropout", "Graduate"]}


def test_ping_health_and_version_need_no_key(answering):
    for url in (answering.model_url, f"{answering.url}/models/toy"):
        assert [httpx.get(f"{url}{path}").text for path in ("/ping", "/health", "/version")] == ["\n", "\n", "3.17.2"]
    assert httpx.get(f"{answering.url}/ping").text == "\n"
    assert httpx.get(f"{answering.url}/version").text.startswith("0.")


def test_every_answer_of_a_model_names_model_version_and_run(answering):
    good, bad = answering.ask({"inputs": [[30, 0.0, "F"]]}), answering.ask({"inputs": [[30, 0.0, "X"]]})

    for reply in (good, bad, httpx.get(f"{answering.model_url}/ping")):
        headers = reply.headers
        assert (headers["x-slipway-model"], headers["x-slipway-version"], headers["x-slipway-run"]) == ("toy", "1", "1" * 32)
    assert good.headers["x-request-id"] != bad.headers["x-request-id"]


def test_a_model_shows_its_version_and_its_columns(answering):
    status = answering.status()

    assert (status["model"], status["version"], status["run_id"], status["port"]) == ("toy", 1, "1" * 32, answering.model_port)
    assert (status["sample"], status["error"], status["classes"]) == (True, None, [0, 1])
    assert [column["name"] for column in status["columns"]] == NAMES
    assert httpx.get(f"{answering.url}/models", headers=answering.bearer).json() == [status]


@pytest.mark.parametrize(
    "content_type", [None, "application/xml", "application/json; format=pandas-split", "application/json; charset=latin-1"]
)
def test_other_content_types_are_refused_with_415(answering, content_type):
    headers = answering.bearer | ({"Content-Type": content_type} if content_type else {})

    reply = httpx.post(f"{answering.model_url}/invocations", content=b"{}", headers=headers)

    assert reply.status_code == 415
    assert "expected" in reply.json()["message"]


def test_unknown_paths_are_404_and_wrong_methods_405(answering):
    for path in ("/", "/invocations", "/models/", "/models/toy/", "/models/toy/nothing", "/docs", "/models/toy/models"):
        reply = httpx.get(f"{answering.url}{path}")
        assert (reply.status_code, reply.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST"), path
    assert httpx.get(f"{answering.model_url}/models").status_code == 404
    assert httpx.get(f"{answering.url}/models/other/ping").status_code == 404

    reply = httpx.get(f"{answering.model_url}/invocations")
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    reply = httpx.post(f"{answering.url}/ping")
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, HEAD")
