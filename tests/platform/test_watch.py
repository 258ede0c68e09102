"""A model in service is watched on a running platform: what is simulated leads to an alarm and a release by itself, or to nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest

from deployments.operations.service import service
from deployments.server.prefect_api import PrefectServer
from slipway.monitoring.journal import Journal
from slipway.pages.service.shapes import ServiceDetail
from tests.platform.conftest import MODEL, Operator, wait_until

# one release, three watches and two releases that they start; a busy machine takes its time for each
pytestmark = [pytest.mark.drill, pytest.mark.timeout(900)]
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@pytest.fixture(scope="module")
def prefect(operator: Operator) -> Iterator[PrefectServer]:
    with PrefectServer(f"{operator.settings.prefect_url}/api") as server:
        yield server


@pytest.fixture(scope="module")
def simulated(operator: Operator, prefect: PrefectServer, released: dict) -> Callable[..., dict[str, Any]]:
    """Simulate, and return the run of the watch that was started when it has ended."""

    def run(*options: str) -> dict[str, Any]:
        said = json.loads(operator.slipway("simulate", MODEL, *options, "--json").stdout)
        return ended(prefect, said["watch"]["run"])

    return run


def ended(prefect: PrefectServer, run: str) -> dict[str, Any]:
    wait_until(lambda: prefect.call("GET", f"/flow_runs/{run}")["state"]["type"] in ENDED, 240)
    return prefect.call("GET", f"/flow_runs/{run}")


def releases(prefect: PrefectServer) -> list[dict[str, Any]]:
    """Return the releases that the automation started, oldest first."""
    deployment = prefect.call("GET", f"/deployments/name/release/{MODEL}")
    wanted = {"flow_runs": {"deployment_id": {"any_": [deployment["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}
    found = prefect.call("POST", "/flow_runs/filter", wanted)
    return [run for run in found if (run["created_by"] or {}).get("display_value") == f"slipway: retrain {MODEL}"]


def retrained(prefect: PrefectServer, before: int) -> dict[str, Any]:
    """Return the release that an alarm has started, when it has ended."""
    wait_until(lambda: len(releases(prefect)) > before, 120)
    return ended(prefect, releases(prefect)[before]["id"])


def event_of(prefect: PrefectServer, name: str) -> dict[str, Any]:
    """Return the event, the only one of its name, when Prefect has written it."""
    wait_until(lambda: events(prefect, name), 60)
    (event,) = events(prefect, name)
    return event


def events(prefect: PrefectServer, name: str) -> list[dict[str, Any]]:
    found = prefect.call("POST", "/events/filter", {"filter": {"event": {"name": [name]}}, "limit": 50})
    return [event for event in found["events"] if event["resource"]["prefect.resource.id"] == f"slipway.model.{MODEL}"]


def test_rows_as_they_were_learnt_from_lead_to_nothing(operator, prefect, simulated):
    run = simulated("--drift", "none", "--seed", "1")

    assert (run["name"], run["state"]["name"]) == (f"watch-{MODEL}", "Steady")
    windows = Journal(operator.settings.ledger).windows(MODEL)
    assert {window.kind for window in windows if window.judged} == {"served", "outcomes"}
    assert not any(window.bad for window in windows)
    assert releases(prefect) == []
    assert events(prefect, "slipway.drift.detected") == []


def test_rows_that_drift_lead_to_an_alarm_and_a_release_with_its_verdict(operator, prefect, simulated):
    before = len(operator.history())

    run = simulated("--drift", "covariate", "--seed", "2")

    assert (run["state"]["name"], run["name"]) == ("Alarm", f"⚠ watch-{MODEL}")
    event = event_of(prefect, "slipway.drift.detected")
    assert (event["payload"]["kind"], event["payload"]["run"]) == ("drift", f"watch-{MODEL}")
    release = retrained(prefect, 0)
    assert release["state"]["name"] in ("Promoted", "Refused")
    assert release["parameters"]["sample"] is True  # as the version that it replaces was
    assert [entry["event"] for entry in operator.history()[before:]] == [release["state"]["name"].lower()]


def test_outcomes_below_the_floor_lead_to_one_too_although_a_drift_alarm_cools_down(operator, prefect, simulated):
    run = simulated("--drift", "concept", "--seed", "3")

    assert run["state"]["name"] == "Alarm"
    event = event_of(prefect, "slipway.outcomes.below-floor")
    assert event["payload"]["kind"] == "outcomes"
    assert retrained(prefect, 1)["state"]["name"] in ("Promoted", "Refused")


def test_what_was_found_is_in_the_run_page_in_mlflow_and_at_the_gateway(operator, prefect, simulated):
    settings = operator.settings
    (page,) = prefect.call("POST", "/artifacts/latest/filter", {"artifacts": {"key": {"any_": [f"watch-{MODEL}"]}}})
    assert "## The latest windows" in page["data"]
    assert "data:image/png;base64," in page["data"]

    with httpx.Client(base_url=settings.mlflow_url) as mlflow:
        experiment = mlflow.get("/api/2.0/mlflow/experiments/get-by-name", params={"experiment_name": f"{MODEL}-watch"}).json()
        wanted = {"experiment_ids": [experiment["experiment"]["experiment_id"]]}
        runs = mlflow.post("/api/2.0/mlflow/runs/search", json=wanted).json()["runs"]
        version = Journal(settings.ledger).windows(MODEL)[0].version
        (first,) = [run for run in runs if run["info"]["run_name"] == f"watch-{MODEL}-v{version}"]
        assert {metric["key"] for metric in first["data"]["metrics"]} >= {"distance/Age", "outcomes/accuracy", "served/rows"}
        files = mlflow.get("/api/2.0/mlflow/artifacts/list", params={"run_id": first["info"]["run_id"], "path": "reports"}).json()
        assert files["files"]

    key = {"Authorization": f"Bearer {settings.api_key.get_secret_value()}"}
    report = httpx.get(f"{settings.gateway_url}/models/{MODEL}/report", headers=key)
    gauges = httpx.get(f"{settings.gateway_url}/metrics", headers=key).text
    assert report.status_code == 200
    assert re.search(rf"<h1>{MODEL}, version \d+: an alarm ", report.text)
    assert "500 served rows beside the training rows" in report.text
    assert len(report.content) < 500_000
    assert f'slipway_watch_distance{{column="Age",model="{MODEL}"}}' in gauges


def test_the_operators_page_has_the_version_its_figures_with_intervals_and_what_mlflow_says(operator, simulated):
    detail = msgspec.convert(service(operator.settings, MODEL), ServiceDetail)

    assert (detail.known, detail.mlflow, detail.mlflow_disagreements) == (True, "agrees", [])
    assert detail.line is not None
    assert detail.figures[0].name == "accuracy"
    assert detail.figures[0].low < detail.figures[0].value < detail.figures[0].high
    assert detail.test_rows == 184  # a fifth of 918
    for address in (detail.mlflow_run, detail.mlflow_version, detail.model_card):
        assert address.startswith(operator.settings.mlflow_url)
    assert detail.alarms[0].kind in ("drift", "outcomes")
    assert detail.lines[0].event in ("promoted", "refused")  # the release that the alarm started
    assert detail.latency[-1].median_ms <= detail.latency[-1].p95_ms


def watched(prefect: PrefectServer, model: str) -> dict[str, Any]:
    """Return the watch of a model that began last; those that are scheduled have not begun."""
    begun = {"name": {"any_": [f"watch-{model}"]}, "start_time": {"is_null_": False}}
    return prefect.call("POST", "/flow_runs/filter", {"flow_runs": begun, "sort": "START_TIME_DESC", "limit": 1})[0]


def test_the_switch_holds_an_alarm_back(operator, prefect, released):
    operator.slipway("watch", MODEL, "--freeze", "--because", "the laboratory moves")
    sent = json.loads(operator.slipway("simulate", MODEL, "--drift", "concept", "--seed", "4", "--no-watch", "--json").stdout)

    found = json.loads(
        operator.slipway("watch", MODEL, "--json").stdout
    )  # from the shell, where it takes half the time that the worker takes

    assert list(sent["versions"]) == [str(found["version"])]  # no release was under way
    assert (found["state"], found["kind"]) == ("held", "outcomes"), found
    assert watched(prefect, MODEL)["state"]["name"] == "Held"
    shown = json.loads(operator.slipway("watch", MODEL, "--show", "--json").stdout)
    assert (shown["switch"]["frozen"], shown["switch"]["why"]) == (True, "the laboratory moves")
    assert [alarm["kind"] for alarm in shown["alarms"]] == ["drift", "outcomes"]


def test_a_model_that_is_not_in_service_is_nobodys_alarm(prefect, operator):
    refused = operator.slipway("watch", "diabetes", status=1)

    assert watched(prefect, "diabetes")["state"]["name"] == "NotInService"
    assert "has no version in service" in refused.stderr
