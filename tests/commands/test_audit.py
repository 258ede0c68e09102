"""`slipway audit` as a person, an auditor or a script meets it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from slipway import audit
from slipway.access import keys
from slipway.access.callers import Grant
from slipway.audit import Answered, AuditLog, Explained, Refused, Shadowed, Wanted
from slipway.bundle.contract import Column, Contract
from slipway.explaining.explanation import Explanation
from tests.support import forking


def slipway(home: Path, *arguments: str, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
    return forking.slipway("audit", *arguments, environment=inherited | {"SLIPWAY_HOME": str(home)} | environment, typed=typed)


def answered(model: str, age_days: float = 0, **parts: object) -> Answered:
    contract = Contract(
        format=1,
        model=model,
        registered_as=model,
        version=3,
        run_id="3" * 32,
        engine="onnx",
        description="a model for tests",
        columns=(Column("Age", "integer", "age"),),
        target="Answer",
        classes=(0, 1),
        class_meanings=("no", "yes"),
        positive=1,
        threshold=0.5,
        data_sha256="0" * 64,
        sample=True,
        metrics={},
        mlflow_version="3.17.2",
        created_at="2026-11-01T00:00:00+00:00",
    )
    rest = {"columns": {"Age": [61]}, "labels": [1], "probabilities": [[0.25, 0.75]], "latency_ms": 0.5}
    return Answered(f"{model}-{age_days:g}", time.time() - age_days * 86_400, "anna", contract, **rest | parts)  # type: ignore[arg-type]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder whose log has two models, two subjects, a line of 500 days ago and a refused request."""
    log = AuditLog(tmp_path)

    async def record() -> None:
        await log.record(answered("toy", 500))
        await log.record(answered("other", 1, subjects=["patient-2"]))
        await log.record(answered("toy", subjects=["patient-1"]))

    asyncio.run(record())
    log.refuse(Refused("r1", time.time(), "", "10.0.0.7", "POST", "/models/toy/predict", 401, "UNAUTHENTICATED"))
    log.close()
    return tmp_path


@pytest.mark.parametrize("command", ["show", "prune", "rotate-keys"])
def test_every_command_has_help_with_an_example(command, tmp_path):
    shown = slipway(tmp_path, command, "--help")

    assert shown.returncode == 0
    assert f"For example: slipway audit {command}" in shown.stdout


def test_show_is_a_table_newest_first_without_subject_ids(home):
    shown = slipway(home, "show")

    lines = shown.stdout.splitlines()
    assert shown.returncode == 0, shown.stderr
    assert "prediction_id" in lines[0]
    assert [line.split()[0] for line in lines[1:]] == ["toy-0-0", "other-1-0", "toy-500-0"]
    assert "patient" not in shown.stdout


def test_show_as_json_is_filtered_and_holds_no_encrypted_id(home):
    shown = json.loads(slipway(home, "show", "--model", "toy", "--since", "24h", "--json").stdout)

    assert [(line["prediction_id"], line["row"], line["label"], line["subject"]) for line in shown] == [("toy-0-0", [61], 1, None)]


def test_refused_requests_and_administration_are_shown(home):
    (refusal,) = json.loads(slipway(home, "show", "--refused", "--model", "toy", "--json").stdout)
    acts = slipway(home, "show", "--administration")

    assert (refusal["address"], refusal["status"], refusal["code"]) == ("10.0.0.7", 401, "UNAUTHENTICATED")
    assert "the log has no such lines" in acts.stdout


def test_what_the_other_version_says_is_shown_and_deleted_with_its_prediction(home):
    log, entry = AuditLog(home), answered("toy", 500)

    async def shadow() -> None:
        await log.shadow(Shadowed(entry.request_id, entry.time, entry.contract, [0], [[0.75, 0.25]], [False], 0.2))

    asyncio.run(shadow())
    log.close()

    (line,) = json.loads(slipway(home, "show", "--shadows", "--prediction", "toy-500-0", "--json").stdout)
    pruned = slipway(home, "prune", "--older-than", "400d")

    assert (line["version"], line["label"], line["agrees"], line["probabilities"]) == (3, 0, False, [0.75, 0.25])
    assert "deleted 1 predictions and 0 refused requests, and 1 answers that were kept for comparison" in pruned.stderr
    assert "the log has no such lines" in slipway(home, "show", "--shadows").stdout


def test_explanations_are_shown_and_deleted_with_their_predictions(home):
    log, entry = AuditLog(home), answered("toy", 500)
    why = Explanation("log-odds", 1, "", 0.25, 1.0, (0.75,), None, 40)
    asyncio.run(log.record(Explained(entry.request_id, entry.time, entry.contract, [why])))
    log.close()

    (line,) = json.loads(slipway(home, "show", "--explanations", "--prediction", "toy-500-0", "--json").stdout)
    shown = slipway(home, "show", "--explanations").stdout
    pruned = slipway(home, "prune", "--older-than", "400d")

    assert "log-odds: 0.25 [+0.75] = 1" in shown
    assert (line["version"], line["explanation"]["scale"], line["explanation"]["contributions"]) == (3, "log-odds", [0.75])
    assert "deleted 1 predictions and 0 refused requests, 1 explanations" in pruned.stderr
    assert "the log has no such lines" in slipway(home, "show", "--explanations").stdout


@pytest.mark.parametrize("what", ["--shadows", "--explanations"])
@pytest.mark.parametrize("other", [("--refused",), ("--reveal",), ("--caller", "anna"), ("--subject", "patient-1")])
def test_shadows_and_explanations_have_neither_callers_nor_subjects(home, other, what):
    shown = slipway(home, "show", what, *other)

    assert shown.returncode == 2
    assert "--model" in shown.stderr


@pytest.mark.parametrize(("asked", "typed"), [("patient-1", ""), ("-", "patient-1\n")])
def test_lines_of_a_subject_are_found_and_that_somebody_looked_is_logged(home, asked, typed):
    shown = json.loads(slipway(home, "show", "--subject", asked, "--json", typed=typed).stdout)

    assert [line["prediction_id"] for line in shown] == ["toy-0-0"]
    (act,) = audit.administration(home, Wanted())
    assert act.what == "looked for a subject"


def test_reveal_takes_the_role_audit_and_is_logged(home):
    key = keys.issue(home, "auditor", [Grant("audit")])

    by_variable = json.loads(slipway(home, "show", "--reveal", "--json", SLIPWAY_API_KEY=key).stdout)
    by_hand = json.loads(slipway(home, "show", "--reveal", "--json", typed=f"{key}\n").stdout)

    assert [line["subject"] for line in by_variable] == ["patient-1", "patient-2", None]
    assert by_hand == by_variable
    act = audit.administration(home, Wanted())[0]
    assert (act.who, act.what, act.about) == ("key:auditor", "revealed subject ids", "toy-0-0 other-1-0")


def test_reveal_of_another_model_is_refused_and_that_is_logged(home):
    key = keys.issue(home, "auditor", [Grant("audit", "toy"), Grant("predict")])

    refused = slipway(home, "show", "--reveal", SLIPWAY_API_KEY=key)
    allowed = slipway(home, "show", "--reveal", "--model", "toy", SLIPWAY_API_KEY=key)

    assert (refused.returncode, allowed.returncode) == (1, 0)
    assert "expected the role 'audit' for other" in refused.stderr
    assert "patient" not in refused.stdout + refused.stderr
    assert "patient-1" in allowed.stdout
    assert [act.what for act in audit.administration(home, Wanted(caller="key:auditor"))] == [
        "revealed subject ids",
        "was refused subject ids",
    ]


def test_reveal_with_a_wrong_key_is_refused(home):
    shown = slipway(home, "show", "--reveal", "--json", SLIPWAY_API_KEY="kept-elsewhere")

    assert shown.returncode == 1
    assert json.loads(shown.stdout)["error"] == "UnauthenticatedError"


def test_prune_deletes_what_is_older_and_reports_how_much(home):
    shown = slipway(home, "prune", "--older-than", "400d")

    assert shown.returncode == 0, shown.stderr
    assert "deleted 1 predictions and 0 refused requests" in shown.stderr
    assert [line.prediction_id for line in audit.predictions(home, Wanted())] == ["toy-0-0", "other-1-0"]


def test_prune_takes_its_days_from_the_setting(home):
    assert json.loads(slipway(home, "prune", "--json", SLIPWAY_AUDIT_RETENTION_DAYS="400").stdout) == {
        "outcomes": 0,
        "shadows": 0,
        "explanations": 0,
        "predictions": 1,
        "batches": 0,
        "refusals": 0,
    }


@pytest.mark.parametrize("days", [(), ("--older-than", "0d"), ("--older-than", "400")])
def test_prune_wants_a_number_of_days(home, days):
    shown = slipway(home, "prune", *days)

    assert shown.returncode == 2
    assert "expected a number of days as 400d" in shown.stderr
    assert len(audit.predictions(home, Wanted())) == 3


def test_rotate_keys_keeps_every_id_readable(home):
    key = keys.issue(home, "auditor", [Grant("audit")])

    shown = slipway(home, "rotate-keys", "--pseudonyms")

    assert shown.returncode == 0, shown.stderr
    assert "2 subject ids are encrypted with the new key" in shown.stderr
    lines = json.loads(slipway(home, "show", "--reveal", "--json", SLIPWAY_API_KEY=key).stdout)
    assert [line["subject"] for line in lines] == ["patient-1", "patient-2", None]


def test_rotate_keys_before_the_first_subject_is_an_error_that_says_so(tmp_path):
    shown = slipway(tmp_path, "rotate-keys")

    assert shown.returncode == 1
    assert "the first subject id that is logged makes them" in shown.stderr


def test_commands_use_the_database_of_the_setting(home, tmp_path):
    url = f"sqlite:///{tmp_path}/elsewhere.db"
    audit.record_act(url, "root@host", "added a key", "anna")

    (act,) = json.loads(slipway(home, "show", "--administration", "--json", SLIPWAY_AUDIT_URL=url).stdout)

    assert act["about"] == "anna"


def test_a_time_that_is_none_is_refused(home):
    shown = slipway(home, "show", "--since", "yesterday")

    assert shown.returncode == 2
    assert "expected a time as 2026-11-01" in shown.stderr
