"""`POST /models/<name>/predict`: named rows, and for each row all that a program needs to use the answer."""

from __future__ import annotations

import httpx
import pytest

from slipway import audit

YOUNG = {"Age": 30, "Oldpeak": 0.0, "Sex": "F"}
OLD = {"Age": 80, "Oldpeak": 2.0, "Sex": "M"}


def predict(gateway, content, **options):
    return httpx.post(f"{gateway.model_url}/predict", json=content, headers=gateway.bearer, **options)


def test_each_row_gets_label_meaning_probabilities_and_an_id_of_its_own(answering):
    reply = predict(answering, {"rows": [YOUNG, OLD]})

    body, request = reply.json(), reply.headers["x-request-id"]
    first, second = body["predictions"]
    assert (body["model"], body["version"], body["run_id"], body["threshold"], body["positive"]) == ("toy", 1, "1" * 32, 0.5, 1)
    assert body["sample"] is True
    assert (first["label"], first["meaning"], second["label"], second["meaning"]) == (0, "0", 1, "1")
    assert [one["prediction_id"] for one in (first, second)] == [f"{request}-0", f"{request}-1"]
    assert sum(first["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert first["probabilities"]["0"] > 0.5
    assert second["probabilities"]["1"] >= 0.5
    assert "subject" not in first


def test_one_row_is_answered_in_the_same_shape_on_both_ports(answering):
    for url in (answering.model_url, f"{answering.url}/models/toy"):
        reply = httpx.post(f"{url}/predict", json={"row": OLD}, headers=answering.bearer)

        [one] = reply.json()["predictions"]
        assert (one["label"], reply.headers["x-slipway-version"]) == (1, "1")


def test_it_answers_as_invocations_does_and_is_logged_alike(answering):
    reply = predict(answering, {"rows": [OLD, YOUNG]})

    assert [one["label"] for one in reply.json()["predictions"]] == answering.ask({"dataframe_records": [OLD, YOUNG]}).json()["predictions"]
    logged = {line.prediction_id: line for line in audit.read(answering.home, "toy", 100)}
    for one, row in zip(reply.json()["predictions"], (OLD, YOUNG), strict=True):
        line = logged[one["prediction_id"]]
        assert (line.row, line.label) == (list(row.values()), one["label"])
        assert line.probabilities == list(one["probabilities"].values())


def test_a_subject_comes_back_with_its_row_and_is_no_column_of_the_model(answering):
    rows = [{"subject": "patient: 4711", **YOUNG}, OLD, {**OLD, "subject": None}]

    reply = predict(answering, {"rows": rows})

    assert [one["subject"] for one in reply.json()["predictions"]] == ["patient: 4711", None, None]
    assert [one["label"] for one in reply.json()["predictions"]] == [0, 1, 1]


def test_classes_that_are_texts_are_named_by_themselves(gateway, bundles):
    gateway.serve(bundles["words-1"], "words")

    body = predict(gateway, {"row": {**OLD, "Age": 115}}).json()

    assert (body["threshold"], body["positive"]) == (None, None)
    [one] = body["predictions"]
    assert one["label"] == one["meaning"] == max(one["probabilities"], key=one["probabilities"].get) == "Graduate"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([YOUNG], "expected a JSON object"),
        ({}, "received an empty object"),
        ({"row": YOUNG, "rows": [YOUNG]}, "expected exactly one key, row or rows, received 'row', 'rows'"),
        ({"dataframe_record": [YOUNG]}, "received 'dataframe_record'"),
        ({"rows": []}, "contains no rows"),
        ({"rows": YOUNG}, "rows: expected a list of rows, received an object"),
        ({"rows": [YOUNG, [30, 0, "F"]]}, "row 1: expected an object of column names and values"),
        ({"row": [30, 0, "F"]}, "row 0: expected an object of column names and values"),
        ({"row": {**YOUNG, "Age": "30"}}, "row 0, column 'Age': expected a whole number from 0 to 120 (years), received \"30\""),
        ({"row": {**YOUNG, "Subject": "4711"}}, "row 0, column 'Subject': expected only the columns"),
    ],
)
def test_another_body_is_refused_with_the_reason(answering, content, words):
    reply = predict(answering, content)

    assert reply.status_code == 400
    assert words in reply.json()["message"]


def test_it_needs_json_or_csv_a_key_and_post(answering):
    xml = httpx.post(f"{answering.model_url}/predict", content="Age\n1", headers=answering.bearer | {"Content-Type": "text/xml"})
    keyless = httpx.post(f"{answering.model_url}/predict", json={"row": YOUNG})

    assert (xml.status_code, keyless.status_code) == (415, 401)
    assert httpx.get(f"{answering.model_url}/predict").headers["allow"] == "POST"
    assert "/models/<name>/predict" in httpx.post(f"{answering.url}/predict", json={}).json()["message"]
