"""A person chooses a version as Production in MLflow's page, which is what its API does, on a running platform."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from mlflow import MlflowClient

from slipway.catalogue import lookup
from tests.platform.conftest import MODEL, Operator, wait_until

pytestmark = [pytest.mark.drill, pytest.mark.timeout(900)]
NOTICED = 60  # seconds in which a move by hand must be noticed
JUDGED = 120  # and in service, or put back


@pytest.fixture
def mlflow(operator: Operator) -> Callable[..., Any]:
    """Ask MLflow's API as its page does."""

    def ask(method: str, path: str, **content: Any) -> Any:
        sent = {"params": content} if method == "GET" else {"json": content}
        return httpx.request(method, f"{operator.settings.mlflow_url}/api/2.0/mlflow/{path}", timeout=30, **sent).raise_for_status().json()

    return ask


@pytest.fixture
def choose(mlflow: Callable[..., Any]) -> Callable[[str], None]:
    def make_production(version: str) -> None:
        wanted = {"name": lookup(MODEL).registered_as, "version": version, "stage": "Production", "archive_existing_versions": True}
        mlflow("POST", "model-versions/transition-stage", **wanted)

    return make_production


def stages(mlflow: Callable[..., Any]) -> dict[str, str]:
    found = mlflow("GET", "model-versions/search", filter=f"name='{lookup(MODEL).registered_as}'")["model_versions"]
    return {version["version"]: version["current_stage"] for version in found}


def test_a_version_chosen_as_production_is_judged_and_tested_and_in_service(operator, released, mlflow, choose):
    operator.slipway("release", MODEL, "--sample", "--trials", "3")
    before = operator.history()
    assert before[-1]["version"] == 2

    choose("1")

    wait_until(lambda: len(operator.history()) > len(before), JUDGED)
    line = operator.history()[-1]
    assert (line["event"], line["version"], line["previous"], line["started_by"]) == ("promoted", 1, 2, "MLflow's page")
    assert line["why"] == "version 1 of heart_failure_logistic was made champion or Production in MLflow"
    assert line["run_url"]
    wait_until(lambda: stages(mlflow) == {"1": "Production", "2": "Archived"}, NOTICED)
    key = {"Authorization": f"Bearer {operator.settings.api_key.get_secret_value()}"}
    assert httpx.get(f"{operator.settings.gateway_url}/models/{MODEL}", headers=key).json()["version"] == 1


def test_a_version_that_no_release_made_is_put_back(operator, released, mlflow, choose):
    before, was = operator.history(), stages(mlflow)
    name = lookup(MODEL).registered_as
    run_id = mlflow("GET", "model-versions/get", name=name, version="1")["model_version"]["run_id"]
    client = MlflowClient(operator.settings.mlflow_url, operator.settings.mlflow_url)
    made = str(client.create_model_version(name, f"runs:/{run_id}/model", run_id).version)

    choose(made)

    wait_until(lambda: stages(mlflow) == was | {made: "Archived"}, JUDGED)
    line = operator.history()[-1]
    assert len(operator.history()) == len(before) + 1
    assert (line["event"], line["started_by"]) == ("reconciled", "MLflow's page")
    assert f"version {made} is in Production" in line["why"]


def test_a_deleted_champion_changes_nothing_for_callers_and_status_says_so_and_a_rollback_works(operator, released, mlflow):
    name = lookup(MODEL).registered_as
    key = {"Authorization": f"Bearer {operator.settings.api_key.get_secret_value()}"}
    answering = f"{operator.settings.gateway_url}/models/{MODEL}"
    before = httpx.get(answering, headers=key).json()["version"]
    mlflow("DELETE", "model-versions/delete", name=name, version=str(before))

    assert httpx.get(answering, headers=key).json()["version"] == before
    said = json.loads(operator.slipway("status", "--json", status=3).stdout)
    (records,) = (line for line in said if line["name"] == "records")
    assert (records["state"], records["mend"]) == ("wrong", f"slipway reconcile {MODEL}")
    assert f"version {before} answers, and {name} has no such version in MLflow any more" in records["reason"]

    operator.slipway("rollback", MODEL, "--because", "its version was deleted")

    now = httpx.get(answering, headers=key).json()["version"]
    assert now != before
    assert stages(mlflow)[str(now)] == "Production"
    (records,) = (line for line in json.loads(operator.slipway("status", "--json").stdout) if line["name"] == "records")
    assert records["state"] == "well"
