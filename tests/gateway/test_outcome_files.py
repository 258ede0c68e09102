"""A file of outcomes: what the gateway refuses goes to a file of reasons, and the rest is recorded, once."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys

import httpx
import pytest

from slipway import audit
from slipway.access import keys
from slipway.access.callers import Grant
from slipway.client import RecordedOutcomes
from slipway.errors import InvalidRowsError, OutcomesError
from slipway.scoring import outcome_files
from slipway.settings import Settings

YOUNG = {"Age": 30, "Oldpeak": 0.0, "Sex": "F"}

pytestmark = pytest.mark.usefixtures("no_settings")


def predicted(gateway, *rows):
    reply = httpx.post(f"{gateway.url}/models/toy/predict", json={"rows": list(rows)}, headers=gateway.bearer)
    return [one["prediction_id"] for one in reply.raise_for_status().json()["predictions"]]


@pytest.fixture
def send(answering, tmp_path):
    """Send a file with these lines: `report, reasons = send("prediction_id,outcome", "...")`."""
    path = tmp_path / "outcomes.csv"

    def run(*lines, **changes):
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        settings = Settings(**{"home": answering.home, "gateway_port": answering.port, "SLIPWAY_API_KEY": answering.key} | changes)
        report = outcome_files.send("toy", path, settings, lambda *_: None)
        rejected = path.with_name("outcomes.csv.rejected.csv")
        assert (report.rejected_to == rejected) == rejected.exists()
        return report, list(csv.DictReader(rejected.open())) if report.rejected_to else []

    return run


def test_valid_rows_are_recorded_and_the_others_written_with_reasons(answering, send):
    first, second, third = predicted(answering, YOUNG, YOUNG, YOUNG | {"subject": "customer 1"})
    lines = [
        "name,subject,prediction_id,outcome,observed_at",
        f"a,,{first},1,2026-11-01T08:00:00Z",
        f"b,,{second},7,",
        "c,customer 1,,0.0,",
        "d,,no-such-0,1,",
        f'"e, quoted",,{second},0,',
        f"f,customer 1,{second},1,",
        f"g,,{first},0,",
        "h,,",
        f"i,,{first},,2026-11-01",
    ]

    report, reasons = send(*lines)

    assert (report.rows, report.done, report.rejected) == (9, RecordedOutcomes(3, 0, 0), 6)
    assert [(one["row"], one["column"], one["received"]) for one in reasons] == [
        ("1", "outcome", "7"),
        ("3", "prediction_id", '"no-such-0"'),
        ("5", "", "both"),
        ("6", "outcome", "0"),
        ("7", "", "3 cells"),
        ("8", "outcome", "no value"),
        ("8", "observed_at", '"2026-11-01"'),
    ]
    assert [audit.history(answering.home, name)[0].label for name in (first, second, third)] == [1, 0, 0]

    again, _ = send(lines[0], lines[1])
    assert (again.done, again.rejected) == (RecordedOutcomes(0, 0, 1), 0)


def test_a_part_full_of_strangers_leaves_the_others_recorded(answering, send):
    names = predicted(answering, *[YOUNG] * 30)
    lines = [line for place, name in enumerate(names) for line in (f"{name},1", f"stranger-{place},1")]

    report, reasons = send("prediction_id,outcome", *lines, max_rows=45)

    assert (report.done, report.rejected) == (RecordedOutcomes(30, 0, 0), 30)
    assert [one["row"] for one in reasons] == [str(2 * place + 1) for place in range(30)]


@pytest.mark.parametrize("header", ["outcome", "prediction_id", "prediction_id,label", "prediction_id,outcome,outcome", "a;b"])
def test_a_file_without_the_columns_is_refused_before_anything_is_sent(send, header):
    with pytest.raises(InvalidRowsError, match=r"outcomes.csv: expected the columns outcome and prediction_id"):
        send(header, "1,1,1")


def test_a_key_without_the_role_is_an_error_that_says_what_was_recorded(answering, send):
    key = keys.issue(answering.home, "reader", [Grant("predict")])
    try:
        with pytest.raises(OutcomesError, match=r"expected the role 'outcome'(.|\n)*0 of 1 outcomes are in the log"):
            send("prediction_id,outcome", "a-0,1", SLIPWAY_API_KEY=key)
    finally:
        keys.revoke(answering.home, "reader")


def test_the_command_sends_a_file_and_shows_the_history_of_a_prediction(answering, tmp_path):
    [name] = predicted(answering, YOUNG)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
    environment |= {"SLIPWAY_HOME": str(answering.home), "SLIPWAY_GATEWAY_PORT": str(answering.port), "SLIPWAY_API_KEY": answering.key}

    def slipway(*arguments):
        command = [sys.executable, "-m", "deployments.cli", "outcomes", "toy", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)

    (tmp_path / "outcomes.csv").write_text(f"prediction_id,outcome\n{name},0\nno-such-0,1\n")

    ran = slipway(str(tmp_path / "outcomes.csv"), "--json")
    history, strange = slipway("--history", name, "--json"), slipway("--history", "no-such-0")

    assert ran.returncode == 3, ran.stderr
    report = json.loads(ran.stdout)
    assert (report["rows"], report["done"]["recorded"], report["rejected"]) == (2, 1, 1)
    assert [(line["label"], line["key"]) for line in json.loads(history.stdout)] == [(0, "key:tester")]
    assert "the log has no outcome of no-such-0" in strange.stdout
