"""`POST /models/<name>/explain`: the answers of `/predict`, each with what every column adds to it."""

from __future__ import annotations

import httpx
import pytest

from slipway import audit
from slipway.access import keys
from slipway.access.callers import Grant

YOUNG = {"Age": 30, "Oldpeak": 0.0, "Sex": "F"}
OLD = {"Age": 80, "Oldpeak": 2.0, "Sex": "M"}


def explain(gateway, content, **options):
    return httpx.post(f"{gateway.model_url}/explain", json=content, headers=gateway.bearer, **options)


def test_each_row_has_its_prediction_and_contributions_that_add_up_to_its_margin(answering):
    reply = explain(answering, {"rows": [YOUNG, OLD]})

    body, request = reply.json(), reply.headers["x-request-id"]
    predicted = httpx.post(f"{answering.model_url}/predict", json={"rows": [YOUNG, OLD]}, headers=answering.bearer).json()
    assert {name: value for name, value in body.items() if name not in ("predictions", "note")} == {
        name: value for name, value in predicted.items() if name != "predictions"
    }
    assert "not causes" in body["note"]
    for place, (one, alone, row) in enumerate(zip(body["predictions"], predicted["predictions"], (YOUNG, OLD), strict=True)):
        explanation = one.pop("explanation")
        assert one == {**alone, "prediction_id": f"{request}-{place}"}
        assert (explanation["scale"], explanation["of_label"], explanation["method"]) == ("probability", 1, "exact")
        assert explanation["background"]["rows"] == 20
        assert explanation["margin"] == pytest.approx(alone["probabilities"]["1"], abs=1e-6)  # the graph is in float32
        contributions = explanation["contributions"]
        assert explanation["base"] + sum(each["contribution"] for each in contributions) == pytest.approx(explanation["margin"], abs=1e-9)
        assert {each["column"]: each["value"] for each in contributions} == row
        assert [each["unit"] for each in contributions] == ["years", "mm", ""]
    assert max(contributions, key=lambda each: abs(each["contribution"]))["column"] == "Age"  # which alone decides


@pytest.mark.parametrize(
    "body",
    [
        {"row": OLD},
        {"rows": [OLD]},
        {"dataframe_records": [OLD]},
        {"dataframe_split": {"columns": list(OLD), "data": [list(OLD.values())]}},
        {"inputs": [OLD]},
        {"instances": [list(OLD.values())]},
    ],
    ids=lambda body: next(iter(body)),
)
def test_it_takes_every_form_that_predict_takes_on_both_ports(answering, body):
    for url in (answering.model_url, f"{answering.url}/models/toy"):
        reply = httpx.post(f"{url}/explain", json=body, headers=answering.bearer)

        [one] = reply.json()["predictions"]
        assert (one["label"], reply.headers["x-slipway-version"]) == (1, "1")
        assert len(one["explanation"]["contributions"]) == 3


def test_csv_and_subjects_are_taken_too(answering):
    csv = "subject,Age,Oldpeak,Sex\npatient-1,80,2.0,M\n"

    reply = httpx.post(f"{answering.model_url}/explain", content=csv, headers={**answering.bearer, "Content-Type": "text/csv"})

    [one] = reply.json()["predictions"]
    assert (one["subject"], one["label"]) == ("patient-1", 1)
    assert [each["column"] for each in one["explanation"]["contributions"]] == ["Age", "Oldpeak", "Sex"]


def test_wrong_rows_are_refused_as_by_predict_and_nothing_is_logged(answering):
    wrong = {"rows": [OLD, {**OLD, "Age": 400}, {"Age": 1}]}
    before = len(audit.read(answering.home, "toy", 1_000))

    ours = explain(answering, wrong)
    theirs = httpx.post(f"{answering.model_url}/predict", json=wrong, headers=answering.bearer)

    assert (ours.status_code, ours.json()) == (theirs.status_code, theirs.json())
    assert ours.status_code == 400
    assert len(audit.read(answering.home, "toy", 1_000)) == before


def test_too_many_rows_are_refused_with_their_number(answering):
    reply = explain(answering, {"rows": [OLD] * 101})

    assert (reply.status_code, reply.json()["error_code"]) == (413, "REQUEST_TOO_LARGE")
    assert reply.json()["message"] == "expected at most 100 rows to explain, received 101; send them in several requests."
    assert len(explain(answering, {"rows": [OLD] * 100}).json()["predictions"]) == 100


@pytest.mark.parametrize(("role", "status"), [("predict:toy", 200), ("predict:other", 403), ("outcome", 403)])
def test_it_takes_the_role_predict(serving, role, status):
    key = keys.issue(serving.home, role.replace(":", "."), [Grant.parse(role)])

    with_key = httpx.post(f"{serving.model_url}/explain", json={"row": OLD}, headers={"Authorization": f"Bearer {key}"})

    assert with_key.status_code == status
    assert httpx.post(f"{serving.model_url}/explain", json={"row": OLD}).status_code == 401


def test_the_answer_and_its_explanation_are_logged(answering):
    reply = explain(answering, {"rows": [YOUNG, {**OLD, "subject": "patient-2"}]})

    names = [one["prediction_id"] for one in reply.json()["predictions"]]
    for name, sent, row in zip(names, reply.json()["predictions"], (YOUNG, OLD), strict=True):
        [line] = audit.predictions(answering.home, audit.Wanted(prediction_id=name))
        [logged] = audit.explanations(answering.home, audit.Wanted(prediction_id=name))
        assert (line.row, line.label) == (list(row.values()), sent["label"])
        assert (logged.model, logged.version, logged.run_id, logged.time) == ("toy", 1, "1" * 32, line.time)
        explanation = sent["explanation"]
        assert logged.explanation["contributions"] == [each["contribution"] for each in explanation["contributions"]]
        assert {part: logged.explanation[part] for part in ("scale", "of", "base", "margin", "errors", "background")} == {
            "scale": explanation["scale"],
            "of": explanation["of_label"],
            "base": explanation["base"],
            "margin": explanation["margin"],
            "errors": None,
            "background": 20,
        }
    asked = httpx.post(f"{answering.model_url}/predict", json={"row": OLD}, headers=answering.bearer).json()["predictions"][0]
    assert audit.explanations(answering.home, audit.Wanted(prediction_id=asked["prediction_id"])) == []


def test_of_several_classes_the_answered_one_is_explained(gateway, bundles):
    gateway.serve(bundles["words-1"], "words")

    [one] = explain(gateway, {"row": {**OLD, "Age": 115}}).json()["predictions"]

    assert one["explanation"]["of_label"] == one["label"] == "Graduate"
    assert one["explanation"]["margin"] == pytest.approx(one["probabilities"]["Graduate"], abs=1e-6)


def test_a_bundle_that_is_gone_is_answered_but_not_explained(serving):
    folder = next(path for path in (serving.home / "bundles" / "toy").iterdir() if path.is_dir())
    folder.rename(folder.with_name("elsewhere"))

    reply = explain(serving, {"row": OLD})

    assert (reply.status_code, reply.headers["retry-after"]) == (503, "60")
    assert reply.json()["message"] == "toy version 1 cannot be explained now; the gateway's log says why."
    assert httpx.post(f"{serving.model_url}/predict", json={"row": OLD}, headers=serving.bearer).status_code == 200
