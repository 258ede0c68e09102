"""Outcomes are reported over HTTP, all of a request or none, and errors name the place of what is wrong."""

from __future__ import annotations

import json
import signal
import sqlite3
import threading

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from slipway import audit
from slipway.access import keys
from slipway.access.callers import Grant
from slipway.gateway.bodies.outcomes import MOST
from slipway.rows.checks import LISTED

YOUNG = {"Age": 30, "Oldpeak": 0.0, "Sex": "F"}


def predicted(gateway, *rows, model="toy"):
    """Return the ids of predictions about these rows."""
    reply = httpx.post(f"{gateway.url}/models/{model}/predict", json={"rows": list(rows)}, headers=gateway.bearer)
    return [one["prediction_id"] for one in reply.raise_for_status().json()["predictions"]]


def report(gateway, *outcomes, model="toy", key=None):
    headers = {"Authorization": f"Bearer {key}"} if key else gateway.bearer
    return httpx.post(f"{gateway.url}/models/{model}/outcomes", json={"outcomes": list(outcomes)}, headers=headers, timeout=30)


def places(reply):
    assert reply.status_code == 400
    return [(one["row"], one["column"]) for one in reply.json()["violations"]]


def counted(gateway):
    exposed = httpx.get(f"{gateway.url}/metrics", headers=gateway.bearer).raise_for_status().text
    samples = [sample for family in text_string_to_metric_families(exposed) for sample in family.samples]
    return {one.labels["kind"]: one.value for one in samples if one.name == "slipway_outcomes_total" and one.labels["model"] == "toy"}


def test_outcomes_are_recorded_corrected_and_repeated_with_their_history(serving):
    first, second, third = predicted(serving, YOUNG, YOUNG, YOUNG | {"subject": "4711"})

    first_reply = report(serving, {"prediction_id": first, "outcome": 1}, {"prediction_id": second, "outcome": 0})
    again = report(serving, {"prediction_id": first, "outcome": 1}, {"subject": "4711", "outcome": 1})
    other = report(serving, {"prediction_id": first, "outcome": 0, "observed_at": "2026-11-01T08:00:00+01:00"})

    assert first_reply.json() == {"recorded": 2, "corrected": 0, "repeated": 0}
    assert again.json() == {"recorded": 1, "corrected": 0, "repeated": 1}
    assert other.json() == {"recorded": 0, "corrected": 1, "repeated": 0}
    assert (first_reply.headers["x-slipway-model"], first_reply.headers["x-slipway-version"]) == ("toy", "1")
    history = audit.history(serving.home, first)
    assert [(line.label, line.key, line.observed_at) for line in history] == [
        (1, "key:tester", None),
        (0, "key:tester", "2026-11-01T07:00:00.000+00:00"),
    ]
    assert [line.request_id for line in history] == [first_reply.headers["x-request-id"], other.headers["x-request-id"]]
    assert [line.label for line in audit.history(serving.home, third)] == [1]
    assert counted(serving) == {"recorded": 3, "corrected": 1, "repeated": 1}


def test_the_models_own_port_takes_them_too_and_labels_that_are_texts(serving, bundles, free_port):
    serving.serve(bundles["words-1"], "words", free_port())
    [toy], [words] = predicted(serving, YOUNG), predicted(serving, YOUNG, model="words")

    own = httpx.post(f"{serving.model_url}/outcomes", json={"outcomes": [{"prediction_id": toy, "outcome": 0.0}]}, headers=serving.bearer)
    assert own.json()["recorded"] == 1
    assert type(audit.history(serving.home, toy)[0].label) is int
    assert report(serving, {"prediction_id": words, "outcome": "Graduate"}, model="words").json()["recorded"] == 1
    assert audit.history(serving.home, words)[0].label == "Graduate"
    assert places(report(serving, {"prediction_id": words, "outcome": 1}, model="words")) == [(0, "outcome")]
    assert places(report(serving, {"prediction_id": toy, "outcome": "Graduate"}, model="words")) == [(0, "prediction_id")]


def test_rows_of_a_large_request_and_of_both_answers_are_found(answering):
    many = predicted(answering, *[YOUNG] * 40)

    assert report(answering, *({"prediction_id": name, "outcome": 1} for name in many)).json() == {
        "recorded": 40, "corrected": 0, "repeated": 0
    }  # fmt: skip


WRONG = {
    "outcome missing": ({}, "outcome", "one of 0, 1", "no value"),
    "outcome as a text": ({"outcome": "1"}, "outcome", "one of 0, 1", '"1"'),
    "outcome true": ({"outcome": True}, "outcome", "one of 0, 1", "true"),
    "outcome no class": ({"outcome": 2}, "outcome", "one of 0, 1", "2"),
    "outcome null": ({"outcome": None}, "outcome", "one of 0, 1", "nothing (null, NaN or an empty cell)"),
    "subject too": ({"outcome": 1, "subject": "4711"}, None, "exactly one of prediction_id and subject", "both"),
    "another key": ({"outcome": 1, "label": 1}, "label", "only the keys prediction_id, subject, outcome, observed_at", "1"),
    "no zone": ({"outcome": 1, "observed_at": "2026-11-01T08:00:00"}, "observed_at", None, '"2026-11-01T08:00:00"'),
    "the future": ({"outcome": 1, "observed_at": "2999-01-01T00:00:00Z"}, "observed_at", None, '"2999-01-01T00:00:00Z"'),
    "a number of seconds": ({"outcome": 1, "observed_at": 1_700_000_000}, "observed_at", None, "1700000000"),
}


@pytest.mark.parametrize("case", WRONG)
def test_one_wrong_outcome_is_reported_by_its_place_and_nothing_is_recorded(answering, case):
    changes, column, expected, received = WRONG[case]
    right, wrong = predicted(answering, YOUNG, YOUNG)

    reply = report(answering, {"prediction_id": right, "outcome": 1}, {"prediction_id": wrong, **changes})

    assert reply.status_code == 400
    [violation] = reply.json()["violations"]
    assert (violation["row"], violation["column"], violation["received"]) == (1, column, received)
    assert expected is None or violation["expected"] == expected
    assert reply.json()["message"].startswith("the outcomes for toy are wrong in 1 place; nothing was recorded.")
    assert audit.history(answering.home, right) == []


def test_all_errors_are_counted_at_once_and_twenty_are_shown_in_words(answering):
    [right] = predicted(answering, YOUNG)

    some = report(
        answering,
        {"prediction_id": "no-such-0", "outcome": 7},
        {"prediction_id": right, "outcome": 1},
        {"prediction_id": right, "outcome": 0},
        {"outcome": 1},
        {"subject": "nobody", "outcome": 1},
        {"subject": "", "outcome": 1},
        {"prediction_id": right + "'--", "outcome": 1},
        7,
    )
    many = report(answering, *[{"prediction_id": "no-such-0", "outcome": 1}] * 50)

    assert places(some) == [
        *((0, "outcome"), (0, "prediction_id"), (2, "outcome"), (3, None), (4, "subject"), (5, "subject")),
        *((6, "prediction_id"), (7, None)),
    ]
    assert "expected 1, as an earlier row says of the same prediction, received 0" in some.json()["message"]
    assert (len(places(many)), many.json()["total"]) == (LISTED, 50)
    assert audit.history(answering.home, right) == []


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"7", b"{}", b'{"outcomes": {}}', b'{"outcomes": []}', b'{"outcomes": [{}], "more": 1}', b"[" * 500_000),
        b'{"outcomes": [{"prediction_id": "a-0", "outcome": 1, "outcome": 0}]}',
        b'{"outcomes": [{"prediction_id": "a-0", "outcome": 1e999}]}',
        b'{"outcomes": [{"subject": "\\u0000", "outcome": 1}]}',
        b'{"outcomes": [{"prediction_id": "\\u0000-0", "outcome": 1}]}',
        b'{"outcomes": [{"prediction_id": "a-' + b"9" * 5_000 + b'", "outcome": 1}]}',
        b'{"outcomes": [{"prediction_id": "a-0", "outcome": ' + b"9" * 5_000 + b"}]}",
        b'{"outcomes": [{"prediction_id": "a-0", "outcome": 1, "observed_at": "9999-12-31T23:59:59-23:59"}]}',
        b'{"outcomes": [{"prediction_id": "a-0", "outcome": 1, "observed_at": "0001-01-01T00:00:00+23:59"}]}',
    ],
)
def test_a_body_of_another_form_is_refused_in_words(answering, body):
    reply = httpx.post(f"{answering.model_url}/outcomes", content=body, headers=answering.bearer | {"Content-Type": "application/json"})

    assert reply.status_code == 400
    assert reply.json()["message"]


def test_another_content_type_and_too_many_are_refused(answering):
    csv = httpx.post(f"{answering.model_url}/outcomes", content=b"x", headers=answering.bearer | {"Content-Type": "text/csv"})
    many = report(answering, *[{"prediction_id": "a-0", "outcome": 1}] * (MOST + 1))

    assert (csv.status_code, many.status_code) == (415, 413)
    assert f"{MOST:,}" in many.json()["message"]


@pytest.mark.parametrize(
    ("roles", "status"), [(["outcome"], 200), (["outcome:toy"], 200), (["outcome:other"], 403), (["predict", "audit", "operate"], 403)]
)
def test_it_takes_the_role_outcome_for_the_model(serving, roles, status):
    [name] = predicted(serving, YOUNG)
    key = keys.issue(serving.home, "clinic", [Grant.parse(role) for role in roles])

    assert report(serving, {"prediction_id": name, "outcome": 1}, key=key).status_code == status


def test_a_model_that_is_not_in_service_takes_none(serving, until):
    [name] = predicted(serving, YOUNG)
    serving.withdraw("toy")
    until(lambda: not httpx.get(f"{serving.url}/models", headers=serving.bearer).json(), what="toy out of service")

    assert report(serving, {"prediction_id": name, "outcome": 1}).status_code == 404
    assert audit.history(serving.home, name) == []


def test_recorded_outcomes_are_there_after_the_process_was_killed(serving):
    [name] = predicted(serving, YOUNG)

    assert report(serving, {"prediction_id": name, "outcome": 1}).json()["recorded"] == 1
    serving.stop(signal.SIGKILL)

    assert [line.label for line in audit.history(serving.home, name)] == [1]


def test_while_the_log_cannot_be_written_it_says_try_later_and_records_nothing(serving):
    [name] = predicted(serving, YOUNG)
    other = sqlite3.connect(serving.home / audit.AUDIT, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # for longer than the gateway waits

    reply = report(serving, {"prediction_id": name, "outcome": 1})
    other.execute("ROLLBACK")

    assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")
    assert str(serving.home) not in reply.text
    assert "outcomes cannot be recorded in the audit log" in serving.log()
    assert report(serving, {"prediction_id": name, "outcome": 1}).json()["recorded"] == 1


def test_callers_are_answered_while_many_outcomes_are_looked_up(serving):
    names = predicted(serving, *[YOUNG] * MOST)
    replies = []
    reporting = threading.Thread(target=lambda: replies.append(report(serving, *({"prediction_id": name, "outcome": 1} for name in names))))

    reporting.start()
    answered = 0
    while reporting.is_alive():
        assert httpx.get(f"{serving.url}/ping", timeout=5).is_success
        answered += 1
    reporting.join()

    assert json.loads(replies[0].content) == {"recorded": MOST, "corrected": 0, "repeated": 0}
    assert answered > 1
