"""The `slipway` command as a person or a script meets it."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from tests.support import forking


def slipway(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return forking.slipway(*arguments, environment=os.environ | environment)


@pytest.mark.parametrize(
    "command",
    [
        "models",
        "release",
        "fleet",
        "history",
        "rollback",
        "challenge",
        "deploy",
        "approvals",
        "approve",
        "reject",
        "score",
        "simulate",
        "notify",
        "backup",
        "restore",
        "up",
        "down",
        "status",
    ],
)
def test_every_command_has_help_with_an_example(command):
    shown = CliRunner().invoke(app, [command, "--help"])

    assert shown.exit_code == 0
    assert "For example:" in shown.stdout
    assert f"slipway {command}" in shown.stdout


def test_models_lists_the_catalogue_as_json():
    shown = json.loads(slipway("models", "--json").stdout)

    heart = next(model for model in shown if model["name"] == "heart-failure")
    assert (heart["registered_as"], heart["port"]) == ("heart_failure_logistic", 8001)


def test_unknown_model_is_an_error_that_names_those_there_are(tmp_path):
    shown = slipway("release", "hart-failure", SLIPWAY_HOME=str(tmp_path))

    assert shown.returncode == 1
    assert "no model is called 'hart-failure'; the catalogue has: " in shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize("arguments", [(), ("heart-failure", "--all")])
def test_release_wants_one_name_or_all(arguments, tmp_path):
    shown = slipway("release", *arguments, SLIPWAY_HOME=str(tmp_path))

    assert shown.returncode == 2
    assert "name one model, or give --all" in shown.stderr


@pytest.mark.parametrize("arguments", [("--all",), ("heart-failure", "--sample")])
def test_snapshot_is_of_one_model_and_says_itself_whether_it_is_a_sample(arguments, tmp_path):
    shown = slipway("release", *arguments, "--snapshot", "948420b03a97", SLIPWAY_HOME=str(tmp_path))

    assert shown.returncode == 2
    assert "leave out --all and --sample" in shown.stderr


def test_error_is_json_when_json_was_asked_for(tmp_path):
    shown = slipway("release", "hart-failure", "--json", SLIPWAY_HOME=str(tmp_path))

    assert json.loads(shown.stdout)["error"] == "UnknownModelError"


def test_history_of_a_model_that_was_never_released_is_empty(tmp_path):
    assert json.loads(slipway("history", "heart-failure", "--json", SLIPWAY_HOME=str(tmp_path)).stdout) == []
    assert "slipway release heart-failure" in slipway("history", "heart-failure", SLIPWAY_HOME=str(tmp_path)).stdout


def test_history_without_a_name_is_of_all_models(tmp_path):
    from slipway.lifecycle.ledger import Ledger, entry
    from slipway.records import Candidate

    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    address = "http://127.0.0.1:4200/flow-runs/flow-run/0675b4e1-0000-7000-8000-123456789012"
    for version, model in enumerate(("heart-failure", "gone-from-the-catalogue", "heart-failure"), 1):
        about = Candidate(
            model=model, registered_as="r", version=version, run_id="1" * 32, bundle="", metrics={"accuracy": 0.875},
            confusion_matrix=[[1]], data_sha256="ab" * 32, sample=True,
        )  # fmt: skip
        ledger.append(entry("promoted", about, previous=None, aliases=["champion"], stage="Production", why="[no worse]", run_url=address))

    entries = json.loads(slipway("history", "--last", "2", "--json", SLIPWAY_HOME=str(tmp_path)).stdout)
    shown = slipway("history", SLIPWAY_HOME=str(tmp_path)).stdout

    assert [(line["model"], line["version"], line["run_url"]) for line in entries] == [
        ("gone-from-the-catalogue", 2, address),
        ("heart-failure", 3, address),
    ]
    lines = shown.splitlines()
    assert len(lines) == 1 + 3  # a line an entry, its cells separated by tabs
    assert {len(line.split("\t")) for line in lines} == {7}
    for part in ("gone-from-the-catalogue", "none -> 3", "accuracy 0.8750", "sample abababababab", "[no worse]", address):
        assert part in shown
    assert "  " not in shown


def test_rollback_wants_a_reason(tmp_path):
    assert slipway("rollback", "heart-failure", SLIPWAY_HOME=str(tmp_path)).returncode == 2
    shown = slipway("rollback", "heart-failure", "--because", " ", "--json", SLIPWAY_HOME=str(tmp_path))

    assert shown.returncode == 1
    assert json.loads(shown.stdout)["error"] == "RollbackError"
    assert not list(tmp_path.iterdir())  # nothing was started


def test_wrong_setting_is_named_without_its_value(tmp_path):
    shown = slipway("status", SLIPWAY_HOME=str(tmp_path), SLIPWAY_GATEWAY_PORT="s3cret")

    assert shown.returncode == 1
    assert "gateway_port" in shown.stderr
    assert "s3cret" not in shown.stderr


def test_status_of_a_platform_that_is_not_up_says_how_to_start_it(tmp_path):
    shown = slipway("status", SLIPWAY_HOME=str(tmp_path))

    assert shown.returncode == 1
    assert "slipway up" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give the version to try, or --end"),
        (("--version", "2", "--end"), "give the version to try, or --end"),
        (("--version", "2", "--share", "1"), "expected a number from 0 to less than 1, received 1"),
        (("--version", "2", "--share", "nan"), "expected a number from 0 to less than 1, received nan"),
    ],
)
def test_challenge_wants_a_version_and_a_share_or_the_end(arguments, message, tmp_path):
    shown = slipway("challenge", "heart-failure", *arguments, SLIPWAY_HOME=str(tmp_path))

    assert shown.returncode == 2
    assert message in shown.stderr


def test_deploy_without_a_platform_says_how_to_start_it(tmp_path, dead_url):
    shown = slipway("deploy", SLIPWAY_HOME=str(tmp_path), SLIPWAY_PREFECT_PORT=dead_url.rpartition(":")[2])

    assert shown.returncode == 1
    assert f"Prefect does not answer at {dead_url}" in shown.stderr
    assert "start it with `slipway up`" in shown.stderr


def test_deploy_does_not_remove_without_a_yes_where_it_cannot_ask(tmp_path):
    shown = slipway("deploy", "--prune", "--json", SLIPWAY_HOME=str(tmp_path))

    assert shown.returncode == 2
    assert "add --yes or --dry-run" in shown.stderr


def test_a_release_that_a_person_must_approve_is_refused_where_there_is_no_run_page(tmp_path):
    shown = slipway("release", "heart-failure", "--sample", "--approval", SLIPWAY_HOME=str(tmp_path))

    assert shown.returncode == 1
    assert "the platform is not up. Run `slipway up`" in shown.stderr
    assert not (tmp_path / "mlflow").exists()  # it was refused before anything began


@pytest.mark.parametrize("other", ["--all", "--dry-run"])
def test_approval_is_for_one_model_that_is_to_be_promoted(other, tmp_path):
    name = () if other == "--all" else ("heart-failure",)

    shown = slipway("release", *name, "--approval", other, SLIPWAY_HOME=str(tmp_path))

    assert shown.returncode == 2
    assert "it is for one model, and not for a dry run" in shown.stderr


def test_approval_without_a_prefect_server_says_how_to_start_it(tmp_path, dead_url):
    shown = slipway("approve", "heart-failure", "--because", "it is better", "--json", SLIPWAY_HOME=str(tmp_path), PREFECT_API_URL=dead_url)

    assert shown.returncode == 1
    assert json.loads(shown.stdout)["error"] == "ApprovalError"
    assert "slipway up" in shown.stderr


def test_a_blank_reason_is_no_reason(tmp_path):
    shown = slipway("reject", "heart-failure", "--because", "  ", SLIPWAY_HOME=str(tmp_path))

    assert shown.returncode == 2
    assert "say why" in shown.stderr


def test_simulated_rows_are_not_mixed_with_real_ones_unless_that_is_meant(tmp_path):
    reached = {"SLIPWAY_GATEWAY_ADDRESS": "0.0.0.0", "SLIPWAY_TLS_CERTIFICATE": "a.pem", "SLIPWAY_TLS_KEY": "a.key"}

    shown = slipway("simulate", "heart-failure", "--drift", "none", SLIPWAY_HOME=str(tmp_path), **reached)

    assert shown.returncode == 1
    assert "the gateway listens on 0.0.0.0, where other machines reach it" in shown.stderr
    assert "--really" in shown.stderr


def test_nothing_is_simulated_without_a_version_in_service(tmp_path):
    shown = slipway("simulate", "heart-failure", "--drift", "none", "--json", SLIPWAY_HOME=str(tmp_path))

    assert shown.returncode == 1
    assert json.loads(shown.stdout)["error"] == "NotInServiceError"
    assert "Run `slipway release heart-failure` first" in shown.stderr
