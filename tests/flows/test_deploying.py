"""Deployments on a real Prefect server: what the catalogue says is there, and what a person did in the run page stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deployments.checks import work
from deployments.checks.every import CHECKS, OF_PREFECT
from deployments.checks.finding import Asked, Finding
from deployments.cli import app
from deployments.server import automations
from deployments.server.deploying import prune, register
from deployments.server.differences import DeploymentDifference, compare
from deployments.server.manifest import KINDS, ROOT, content, deployments, full_name
from deployments.server.prefect_api import PrefectServer
from slipway.catalogue import catalogue
from slipway.errors import PlatformError
from slipway.settings import Settings
from slipway.spec import ModelSpec, Schedule

NIGHTLY = Schedule("nightly", "0 3 * * *", "America/Bogota")
TOY = "release/toy"


@pytest.fixture
def server(prefect_server: str) -> Iterator[PrefectServer]:
    """A server with a work pool and no deployments."""
    with PrefectServer(prefect_server) as server:
        if not any(pool["name"] == "slipway" for pool in server.all("work_pools")):
            server.call("POST", "/work_pools/", {"name": "slipway", "type": "process"})
        for deployment in server.all("deployments"):
            server.call("DELETE", f"/deployments/{deployment['id']}")
        yield server


@pytest.fixture(autouse=True, scope="module")
def catalogue_in_its_order() -> Iterator[None]:
    """Sort the catalogue again at the end: what monkeypatch puts back, it puts last."""
    yield
    held = dict(sorted(catalogue().items()))
    catalogue().clear()
    catalogue().update(held)


@pytest.fixture
def toy_with(toy: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have a catalogue of the toy alone; keywords replace parts of it."""
    others = {name: spec for name, spec in catalogue().items() if name != toy.name}
    for name in others:
        monkeypatch.delitem(catalogue(), name)
    return lambda **changes: monkeypatch.setitem(catalogue(), toy.name, replace(toy, **changes))


def deploy(server: PrefectServer) -> list[DeploymentDifference]:
    found = compare(server)
    register(server, found)
    return found


def actions(differences: list[DeploymentDifference]) -> dict[str, str]:
    return {difference.name: difference.action for difference in differences}


def held(server: PrefectServer, name: str = TOY) -> dict[str, Any]:
    flow, _, own = name.partition("/")
    return server.call("GET", f"/deployments/name/{flow}/{own}")


def times(server: PrefectServer, name: str = TOY) -> dict[str | None, tuple[str, bool]]:
    return {schedule["slug"]: (schedule["schedule"]["cron"], schedule["active"]) for schedule in held(server, name)["schedules"]}


def switch_on(server: PrefectServer, slug: str) -> None:
    """Do what the switch in the run page does."""
    deployment = held(server)
    schedule = next(schedule for schedule in deployment["schedules"] if schedule["slug"] == slug)
    server.call("PATCH", f"/deployments/{deployment['id']}/schedules/{schedule['id']}", {"active": True})


def test_every_model_is_deployed_once(server):
    wanted = {full_name(deployment) for deployment in deployments()}

    assert actions(deploy(server)) == dict.fromkeys(wanted, "create")

    assert actions(compare(server)) == dict.fromkeys(wanted, "keep")
    assert {tuple(deployment["tags"]) for deployment in server.all("deployments")} >= {("slipway", "release", "telecom-churn")}


def test_of_a_model_whose_file_is_wrong_everything_stays_until_the_file_is_gone(server, toy_with, monkeypatch):
    toy_with()
    deploy(server)
    ids = {TOY: held(server)["id"]}
    assert "automation 'slipway: retrain toy': added" in automations.reconcile(server, automations.wanted([], ids))

    monkeypatch.delitem(catalogue(), "toy")
    with monkeypatch.context() as patch:
        patch.setitem(catalogue().left_out, "toy", "toy.py, line 3: port='8999' is a text")
        assert TOY not in actions(compare(server))
        assert automations.reconcile(server, automations.wanted([], ids)) == []

    assert actions(compare(server))[TOY] == "stale"
    assert automations.reconcile(server, automations.wanted([], ids)) == ["automation 'slipway: retrain toy': removed"]
    automations.reconcile(server, [])


def test_what_prefect_deploys_from_the_manifest_is_what_slipway_deploys(server, prefect_server, monkeypatch, tmp_path):
    for name in set(catalogue()) - {"heart-failure"}:
        monkeypatch.delitem(catalogue(), name)
    deploy(server)
    before = held(server, "release/heart-failure")
    manifest = tmp_path / "prefect.yaml"
    manifest.write_text(content())

    ran = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(manifest)],
        cwd=ROOT,
        env=os.environ | {"PREFECT_API_URL": prefect_server},
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert held(server, "release/heart-failure")["updated"] > before["updated"]
    assert set(actions(compare(server)).values()) == {"keep"}
    assert times(server, "release/heart-failure") == {"slipway-monthly": ("0 3 1 * *", False)}


def test_the_form_offers_its_own_model_and_says_what_each_field_is(server, toy_with):
    toy_with()
    deploy(server)

    fields = held(server)["parameter_openapi_schema"]["properties"]
    assert (fields["name"]["enum"], fields["name"]["default"]) == (["toy"], "toy")
    assert (fields["trials"]["type"], fields["trials"]["minimum"]) == ("integer", 1)
    assert {name for name, field in fields.items() if not field.get("description")} == set()
    names = held(server, "fleet/all")["parameter_openapi_schema"]["properties"]["names"]
    assert names["items"]["enum"] == ["toy"]
    assert held(server, "score/toy")["parameter_openapi_schema"]["properties"]["through"]["enum"] == ["bundle", "endpoint"]
    assert "because" in held(server, "rollback/toy")["parameter_openapi_schema"]["required"]


@pytest.mark.parametrize("parameters", [{"name": "heart-failure"}, {"trials": 0}, {"sample": "perhaps"}])
def test_a_run_that_the_form_does_not_offer_is_refused(server, toy_with, parameters):
    toy_with()
    deploy(server)

    with pytest.raises(PlatformError, match="answered 409 to POST"):
        server.call("POST", f"/deployments/{held(server)['id']}/create_flow_run", {"parameters": parameters})


def test_a_rollback_is_cancelled_while_a_release_goes_on(server, toy_with):
    toy_with()
    deploy(server)
    release, rollback = (f"/deployments/{held(server, name)['id']}/create_flow_run" for name in (TOY, "rollback/toy"))
    runs = [server.call("POST", release, {})["id"], server.call("POST", rollback, {"parameters": {"because": "it is worse"}})["id"]]

    states = [server.call("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "PENDING"}})["state"] for run in runs]

    assert [state["type"] for state in states] == ["PENDING", "CANCELLED"]
    assert held(server)["global_concurrency_limit"]["name"] == "slipway-promotes-toy"
    for run in runs:
        server.call("DELETE", f"/flow_runs/{run}")


def test_a_schedule_is_off_until_somebody_switches_it_on_and_then_stays_on(server, toy_with):
    toy_with(schedules=(NIGHTLY,))
    deploy(server)
    assert times(server) == {"slipway-nightly": ("0 3 * * *", False)}

    switch_on(server, "slipway-nightly")
    toy_with(schedules=(NIGHTLY,), description="Whether a toy is loved.")

    assert actions(deploy(server))[TOY] == "update"
    assert held(server)["description"].startswith("Whether a toy is loved.")
    assert times(server) == {"slipway-nightly": ("0 3 * * *", True)}


def test_a_new_time_in_the_model_file_reaches_the_schedule_and_leaves_its_switch(server, toy_with):
    toy_with(schedules=(NIGHTLY,))
    deploy(server)
    switch_on(server, "slipway-nightly")

    toy_with(schedules=(replace(NIGHTLY, cron="30 4 * * *"), Schedule("weekly", "0 5 * * SUN", "UTC", active=True)))
    deploy(server)

    assert times(server) == {"slipway-nightly": ("30 4 * * *", True), "slipway-weekly": ("0 5 * * SUN", True)}


def test_a_time_that_was_changed_in_the_run_page_stays_until_the_model_file_says_another(server, toy_with):
    toy_with(schedules=(NIGHTLY,))
    deploy(server)
    deployment = held(server)
    there = f"/deployments/{deployment['id']}/schedules/{deployment['schedules'][0]['id']}"
    server.call("PATCH", there, {"schedule": {"cron": "0 1 * * *", "timezone": "UTC"}, "active": True})

    toy_with(schedules=(NIGHTLY,), description="Whether a toy is loved.")
    deploy(server)

    assert times(server) == {"slipway-nightly": ("0 1 * * *", True)}


def test_a_schedule_that_left_the_model_file_goes_when_asked_and_one_made_by_hand_stays(server, toy_with):
    toy_with(schedules=(NIGHTLY,))
    deploy(server)
    by_hand = {"schedule": {"cron": "0 6 * * *", "timezone": "UTC"}, "parameters": {"dry_run": True}}
    server.call("POST", f"/deployments/{held(server)['id']}/schedules", [by_hand])

    toy_with()
    deploy(server)
    assert set(times(server)) == {"slipway-nightly", None}
    prune(server, compare(server))

    assert times(server) == {None: ("0 6 * * *", True)}
    assert held(server)["schedules"][0]["parameters"] == {"dry_run": True}


def test_a_deployment_that_left_the_catalogue_goes_when_asked_and_those_of_others_stay(server, toy_with, toy, monkeypatch):
    toy_with()
    deploy(server)
    mine = held(server)
    copy = {key: mine[key] for key in ("flow_id", "tags", "entrypoint", "parameters", "work_pool_name")}
    server.call("POST", "/deployments/", copy | {"name": "toy-at-night"})
    server.call("POST", "/deployments/", {"name": "toy", "flow_id": server.call("POST", "/flows/", {"name": "report"})["id"]})

    monkeypatch.delitem(catalogue(), "toy")
    found = deploy(server)
    assert actions(found) == {"fleet/all": "update"} | {f"{flow}/toy": "stale" for flow in KINDS}
    prune(server, compare(server))

    assert sorted(deployment["name"] for deployment in server.all("deployments")) == ["all", "toy", "toy-at-night"]
    with pytest.raises(PlatformError, match="404"):
        held(server)


def test_a_deployment_of_somebody_else_by_our_name_is_not_taken_over(server, toy_with):
    toy_with()
    flow = server.call("POST", "/flows/", {"name": "release"})
    server.call("POST", "/deployments/", {"name": "toy", "flow_id": flow["id"], "entrypoint": "theirs.py:release"})

    with pytest.raises(PlatformError, match=r"has a deployment release/toy that Slipway did not make \(entry point theirs.py:release\)"):
        compare(server)


def test_the_command_prints_json_and_removes_only_with_prune(server, prefect_server, tmp_path):
    def slipway_deploy(*arguments: str) -> dict[str, str]:
        environment = {"SLIPWAY_HOME": str(tmp_path), "SLIPWAY_PREFECT_PORT": prefect_server.split(":")[2].split("/")[0]}
        ran = CliRunner().invoke(app, ["deploy", "--json", *arguments], env=environment)  # in this process, which has imported it all
        assert ran.exit_code == 0, ran.output
        return {one["deployment"]: one["action"] for one in json.loads(ran.stdout)}

    flow = server.call("POST", "/flows/", {"name": "release"})
    left = {"name": "old-model", "flow_id": flow["id"], "tags": ["slipway", "release", "old-model"]}
    server.call("POST", "/deployments/", left)

    assert slipway_deploy("--dry-run")["release/old-model"] == "stale"
    assert len(server.all("deployments")) == 1
    slipway_deploy()
    assert slipway_deploy("--prune", "--yes")["release/old-model"] == "remove"
    assert set(slipway_deploy().values()) == {"keep"}
    assert "old-model" not in {deployment["name"] for deployment in server.all("deployments")}


@pytest.fixture
def asked(server: PrefectServer, toy_with: Callable[..., None], tmp_path: Path) -> Asked:
    """What the checks of `slipway status` ask: a server with the toy's deployments, and the settings."""
    toy_with(schedules=(NIGHTLY,))
    deploy(server)
    return Asked(Settings(home=tmp_path, prefect_port=4321), frozenset({"prefect"}), server)


def test_status_finds_work_that_would_be_done(asked):
    found = {name: check(asked) for name, check in CHECKS.items() if name in OF_PREFECT}

    assert {name: finding.state for name, finding in found.items()} == dict.fromkeys(OF_PREFECT, "well")
    assert found["schedules"].reason == "on: watch/toy; off: release/toy"  # as declared: a release is for a person to switch on


def test_status_finds_a_work_pool_or_queue_that_takes_no_run(asked, server):
    def finding(check: Callable[[Asked], Finding], path: str, **change: Any) -> Finding:
        server.call("PATCH", path, change)
        try:
            return check(asked)
        finally:
            server.call("PATCH", path, {"is_paused": False, "concurrency_limit": None})

    prefect = "PREFECT_API_URL=http://127.0.0.1:4321/api prefect"
    paused = finding(work.pool, "/work_pools/slipway", is_paused=True)
    assert paused == Finding("wrong", "the work pool slipway is paused, so no run starts", f"{prefect} work-pool resume slipway")
    closed = finding(work.pool, "/work_pools/slipway", concurrency_limit=0)
    assert (closed.state, closed.mend) == ("wrong", f"{prefect} work-pool clear-concurrency-limit slipway")
    queue_path = "/work_pools/slipway/queues/default"
    paused = finding(work.queues, queue_path, is_paused=True)
    assert (paused.state, paused.mend) == ("wrong", f"{prefect} work-queue resume default --pool slipway")
    closed = finding(work.queues, queue_path, concurrency_limit=0)
    assert (closed.state, closed.mend) == ("wrong", f"{prefect} work-queue clear-concurrency-limit default --pool slipway")
    assert work.pool(asked).state == work.queues(asked).state == "well"


def test_status_finds_a_deleted_pool_and_deploy_gives_the_deployments_their_pool_again(asked, server):
    server.call("DELETE", "/work_pools/slipway")
    assert work.pool(asked).reason == "the work pool slipway is gone, so no run starts"

    server.call("POST", "/work_pools/", {"name": "slipway", "type": "process"})  # as the worker does
    assert work.deployments(asked).reason.startswith("without a work pool, so their runs do not start: release/toy")
    deploy(server)
    assert work.deployments(asked).state == "well"
    assert held(server)["work_pool_name"] == "slipway"


def test_status_finds_deployments_schedules_and_limits_that_let_nothing_run(asked, server):
    watch = held(server, "watch/toy")
    schedule = watch["schedules"][0]
    server.call("PATCH", f"/deployments/{watch['id']}/schedules/{schedule['id']}", {"active": False})
    limit = next(limit for limit in server.all("v2/concurrency_limits") if limit["name"] == "slipway-promotes-toy")
    server.call("PATCH", f"/v2/concurrency_limits/{limit['id']}", {"limit": 0})
    try:
        closed = work.limits(asked)
    finally:
        server.call("PATCH", f"/v2/concurrency_limits/{limit['id']}", {"limit": 1})
    off = work.schedules(asked)
    server.call("DELETE", f"/deployments/{held(server)['id']}")
    gone = work.deployments(asked)

    assert (off.state, off.reason) == ("look", "off: release/toy, watch/toy")
    assert off.mend.endswith(f"prefect deployment schedule resume watch/toy {schedule['id']}")
    assert (closed.state, closed.mend.rpartition(" prefect ")[2]) == ("wrong", "gcl update slipway-promotes-toy --limit 1")
    assert gone == Finding("wrong", "not on the server: release/toy", "slipway deploy")


def test_status_finds_late_runs(asked, server):
    run = server.call("POST", f"/deployments/{held(server)['id']}/create_flow_run", {"state": {"type": "SCHEDULED"}})
    server.call("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "SCHEDULED", "name": "Late"}, "force": True})

    late = work.late_runs(asked)

    assert (late.state, late.reason.partition(";")[0]) == ("wrong", "1")
    assert run["name"] in late.reason
    assert late.mend.endswith(f"prefect flow-run cancel {run['id']}")
    server.call("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "CANCELLED"}, "force": True})
    assert work.late_runs(asked) == Finding("well", "none")
