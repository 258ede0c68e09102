"""A release that a person must approve: it waits on a real Prefect server, and is answered by the API, by the command, or not at all."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import httpx
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.flow_runs import resume_flow_run
from prefect.states import Cancelling

from deployments.operations import acts
from deployments.operations.preview import preview
from deployments.server import approvals
from flows.approval import approve, decided
from flows.fleet import fleet
from flows.release import release
from slipway.bundle.store.active import Pointer, active, point
from slipway.catalogue import catalogue, lookup
from slipway.errors import ApprovalError, ReleaseInProgressError
from slipway.lifecycle import approval, promotion
from slipway.lifecycle.locking import exclusive
from slipway.records import Candidate, Decision, Origin, Rule, Verdict
from slipway.tracking import mirrors, registry
from slipway.tracking.connection import connect
from slipway.tracking.mirrors import Mirrors, Version
from tasks import approval as asking
from tests.flows.conftest import wait_until
from tests.support import forking
from tests.support.processes import started

MODEL = "heart-failure"
QUICK = {"sample": True, "trials": 1, "jobs": 1}
YES = {"decision": "approve", "reason": "the figures hold", "name": "Ada"}
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(asking, "POLL", 0.2)
    monkeypatch.setenv("SLIPWAY_APPROVAL_HOURS", "0.05")  # what a test that fails leaves waiting ends by itself


def slipway(*arguments):
    return forking.slipway(*arguments, environment=os.environ, timeout=120)


def version_in_service(place):
    answer = httpx.get(f"{place.settings.gateway_url}/models/{MODEL}", headers={"Authorization": f"Bearer {place.key}"})
    return answer.json()["version"]


def resume(run_id, **answer):
    """Resume a run as the run page does; Prefect asks to be asked again, with 503, while its database is busy."""
    url, replies = f"{os.environ['PREFECT_API_URL']}/flow_runs/{run_id}/resume", []

    def answers():
        replies.append(httpx.post(url, json={"run_input": answer}))
        return replies[-1].status_code != 503

    wait_until(answers, "Prefect's database is free")
    return replies[-1].raise_for_status().json()["status"]


@pytest.mark.usefixtures("released")
def test_nothing_changes_while_a_release_waits_and_it_goes_on_when_it_is_approved(place, begin, waits, until):
    running = begin(release, MODEL, approval=True, **QUICK)
    asked = waits()

    assert (asked.model, asked.version, asked.release) == (MODEL, 2, "release-heart-failure")
    assert version_in_service(place) == 1
    second = release(MODEL, return_state=True, **QUICK)
    with pytest.raises(ReleaseInProgressError, match="waits for approval"):
        second.result()
    with exclusive(MODEL, place.settings):  # as a rollback does
        assert version_in_service(place) == 1
    for unusable in ({"reason": " "}, {"name": ""}, {"decision": "perhaps"}):
        assert resume(asked.id, **YES | unusable) == "REJECT"
    assert not running.done()
    listed = json.loads(slipway("approvals", "--json").stdout)
    assert [(one["id"], one["version"]) for one in listed] == [(asked.id, 2)]

    resume_flow_run(asked.id, run_input=YES)

    state = running.result(timeout=120)
    assert (state.name, state.result().decision) == ("Promoted", Decision(approved=True, who="Ada", why="the figures hold"))
    assert version_in_service(place) == 2
    entries = place.history()
    assert [(entry["event"], entry["version"], entry["previous"]) for entry in entries] == [
        ("promoted", 1, None),
        ("approved", 2, 1),
        ("promoted", 2, 1),
    ]
    assert (entries[1]["who"], entries[1]["why"], entries[1]["aliases"], entries[1]["stage"]) == (
        "Ada",
        "the figures hold",
        ["candidate"],
        "Staging",
    )
    assert "/flow-run/" in entries[1]["run_url"]


def test_a_rejected_release_leaves_everything_as_it_was(place, begin, waits):
    running = begin(release, MODEL, approval=True, **QUICK)
    waits()
    said = slipway("reject", MODEL, "--because", "not before the audit", "--json")

    assert json.loads(said.stdout)["state"] == "Rejected"
    state = running.result(timeout=120)
    assert (state.name, state.result().outcome) == ("Rejected", "rejected")
    assert state.message.endswith(": not before the audit")
    assert active(place.settings.bundles, MODEL) is None
    assert [(entry["event"], entry["why"]) for entry in place.history()] == [("rejected", "not before the audit")]
    standing = registry.state(connect(place.settings), lookup(MODEL).registered_as)
    assert (standing.aliases, standing.stages) == ({"candidate": 1}, {1: "Staging"})
    nothing = slipway("approve", MODEL, "--because", "too late", "--json")
    assert (nothing.returncode, json.loads(nothing.stdout)["error"]) == (1, "ApprovalError")
    assert f"no release of {MODEL} waits for approval" in nothing.stderr


@pytest.mark.drill
def test_a_release_killed_while_it_waits_leaves_its_candidate_in_staging(place, waits, monkeypatch):
    process = started("release", MODEL, approval=True, **QUICK)
    asked = waits()
    process.kill()
    process.join()

    monkeypatch.setattr(approvals, "TAKEN_WITHIN", 1.0)
    with pytest.raises(ApprovalError, match="its process is gone"):
        approvals.answer(place.settings, asked, approved=True, who="Ada", why="the figures hold")

    assert registry.state(connect(place.settings), lookup(MODEL).registered_as).stages == {1: "Staging"}
    assert (place.history(), active(place.settings.bundles, MODEL)) == ([], None)
    assert release(MODEL, return_state=True, **QUICK).name == "Promoted"
    assert version_in_service(place) == 2


@pytest.fixture
def judged(place, candidate):
    """A registry with versions 1, in service, and 2, which passed the gate, with its model card."""
    client, spec = connect(place.settings), lookup(MODEL)
    experiment = client.create_experiment(MODEL, artifact_location=place.settings.mlflow_artifacts.as_uri())
    client.create_registered_model(spec.registered_as)
    runs = []
    for _ in (1, 2):
        run_id = client.create_run(experiment).info.run_id
        client.log_text(run_id, "# Model card: heart-failure", "card.md")
        client.create_model_version(spec.registered_as, f"runs:/{run_id}/model", run_id)
        runs.append(run_id)
    (place.settings.bundles / MODEL).mkdir(parents=True)
    point(place.settings.bundles, MODEL, Pointer(f"1-{runs[0][:8]}", place.settings.model_ports[MODEL], "0" * 32))
    mirrors.write(client, spec.registered_as, Mirrors(Version(1, runs[0])))
    registry.nominate(client, spec.registered_as, 2)
    rule = Rule(name="floor", passed=True, reason="it reaches the floor")
    verdict = Verdict(model=MODEL, champion=1, champion_metrics={"accuracy": 0.85}, rules=[rule])
    return candidate.model_copy(update={"run_id": run_id}), verdict


def test_no_answer_in_time_is_a_rejection(judged):
    candidate, verdict = judged

    state = approve(MODEL, candidate, verdict, 1 / 3600, return_state=True)

    assert (state.type, state.name) == ("COMPLETED", "Rejected")
    assert decided(state) == Decision(approved=False, who="nobody", why="nobody decided within 0.000277778 hours")


def test_a_question_that_is_cancelled_in_the_run_page_is_a_rejection(judged, begin, until):
    candidate, verdict = judged
    asked = begin(approve, MODEL, candidate, verdict, 1)
    with get_client(sync_client=True) as client:
        run = paused(client, until)
        client.set_flow_run_state(run.id, Cancelling())

    state = asked.result(timeout=60)

    assert state.name == "Cancelled"
    why = "the approval run ended as Cancelled: cancelled in the run page, which counts as rejected"
    assert decided(state) == Decision(approved=False, who="nobody", why=why)


def test_the_run_page_shows_the_question_and_automations_hear_of_it(judged, begin, until):
    candidate, verdict = judged
    asked = begin(approve, MODEL, candidate, verdict, 1)
    with get_client(sync_client=True) as client:
        run = paused(client, until)
        question = client.request("GET", f"/flow_runs/{run.id}/input/paused-approval-description").json()
        schema = client.request("GET", f"/flow_runs/{run.id}/input/paused-approval-schema").json()
        (artifact,) = client.request("POST", "/artifacts/filter", json={"artifacts": {"flow_run_id": {"any_": [str(run.id)]}}}).json()
        named = {"event": {"name": ["slipway.approval.waiting"]}, "resource": {"id": [f"slipway.model.{MODEL}"]}}

        def emitted():
            found = client.request("POST", "/events/filter", json={"filter": named}).json()["events"]
            return [event["payload"] for event in found if event["payload"]["run_url"].endswith(str(run.id))]

        until(emitted, "the event is stored")
        (payload,) = emitted()
    resume_flow_run(run.id, run_input=YES)

    assert decided(asked.result(timeout=60)) == Decision(approved=True, who="Ada", why="the figures hold")
    assert run.name == "approve-heart-failure-version-2"
    assert (payload["run"], payload["version"]) == (run.name, 2)
    assert (artifact["key"], artifact["data"]) == ("approval-heart-failure", question)
    assert "| accuracy | 0.8696 | 0.8500 |" in question
    assert question.endswith("# Model card: heart-failure")
    assert schema["required"] == ["decision", "reason", "name"]
    assert schema["properties"]["decision"]["enum"] == ["approve", "reject"]


@flow(name="release", flow_run_name="release-heart-failure", result_serializer="json")
def only_asks(candidate: Candidate, verdict: Verdict):
    """The part of a release that asks a person."""
    return approve(MODEL, candidate, verdict, 1, return_state=True)


def test_the_first_decision_through_the_ledger_counts_and_its_page_shows_what_the_gate_found(place, judged, begin, waits):
    candidate, verdict = judged
    hostile = Rule(name="slices", passed=True, reason="<script>alert(1)</script> [x](javascript:alert(1)) is 1.00")
    running = begin(only_asks, candidate, verdict.model_copy(update={"rules": [*verdict.rules, hostile]}))
    asked = waits()

    (shown,) = preview(place.settings, MODEL).approvals
    assert (shown.id, shown.version, "it reaches the floor" in shown.findings) == (asked.id, 2, True)
    assert "<script" not in shown.findings
    assert 'href="javascript' not in shown.findings
    with pytest.raises(ApprovalError, match="waits for approval no more"):
        acts.decide(place.settings, MODEL, "another-run", True, "user:anna", "the figures hold")
    assert acts.decide(place.settings, MODEL, asked.id, True, "user:anna", " the figures\nhold") == "Approved"

    assert running.result(timeout=60).result().result() == Decision(approved=True, who="user:anna", why="the figures hold")
    with pytest.raises(ApprovalError, match="was approved already, by user:anna: the figures hold"):
        approvals.decide(place.settings, asked, Decision(approved=False, who="user:eve", why="no"))
    with pytest.raises(ApprovalError, match="waits for approval no more"):
        acts.decide(place.settings, MODEL, asked.id, True, "user:anna", "the figures hold")


def test_without_its_form_a_run_that_is_resumed_by_hand_waits_again_and_the_command_decides(
    place, judged, begin, waits, until, monkeypatch
):
    monkeypatch.setenv("SLIPWAY_APPROVAL_FORM", "closed")
    running = begin(only_asks, *judged)
    asked = waits()

    assert asked.form is False
    assert resume(asked.id, **YES) == "ACCEPT"
    until(lambda: [one.id for one in approvals.waiting(place.settings, MODEL)] == [asked.id], "it waits again")
    assert not running.done()
    said = slipway("reject", MODEL, "--because", "not before the audit", "--json")

    assert json.loads(said.stdout)["state"] == "Rejected"
    decision = running.result(timeout=60).result().result()
    assert (decision.approved, decision.why) == (False, "not before the audit")


def test_an_approval_does_not_count_when_another_version_has_come_into_service(place, judged):
    candidate, verdict = judged
    point(place.settings.bundles, MODEL, None)

    decision = approval.settle(candidate, verdict, Decision(approved=True, who="Ada", why="the figures hold"), place.settings, None)

    assert (decision.approved, decision.who) == (False, "slipway")
    assert decision.why.startswith("version 2 was compared with version 1 in service, and now no version is.")
    assert [(entry["event"], entry["who"]) for entry in place.history()] == [("approved", "Ada"), ("rejected", "slipway")]


@pytest.mark.parametrize("approved", [True, False])
def test_a_decision_that_is_settled_again_is_written_once(place, judged, approved):
    """A step is tried again because MLflow did not answer in the middle of it."""
    decision = Decision(approved=approved, who="Ada", why="the figures hold")

    settled = [approval.settle(*judged, decision, place.settings, "http://run") for _ in range(2)]

    assert settled == [decision, decision]
    assert [(entry["event"], entry["who"]) for entry in place.history()] == [("approved" if approved else "rejected", "Ada")]


def test_an_approval_whose_settling_was_cut_short_is_written_once_and_its_objection_too(place, judged):
    candidate, verdict = judged
    point(place.settings.bundles, MODEL, None)
    promotion.note("approved", candidate, place.settings, "the figures hold", "http://run", Origin(who="Ada"))  # and then MLflow was away

    for _ in range(2):
        decision = approval.settle(
            candidate, verdict, Decision(approved=True, who="Ada", why="the figures hold"), place.settings, "http://run"
        )

    assert (decision.approved, decision.who) == (False, "slipway")
    assert [(entry["event"], entry["who"]) for entry in place.history()] == [("approved", "Ada"), ("rejected", "slipway")]


def test_the_fleet_leaves_out_a_model_that_needs_approval(place, monkeypatch):
    monkeypatch.setitem(catalogue(), MODEL, replace(lookup(MODEL), approval=True))

    state = fleet([MODEL], return_state=True, **QUICK)

    (entry,) = state.result().entries
    assert entry.outcome == "needs approval"
    assert f"slipway release {MODEL}" in entry.message
    assert state.message == f"0 models released; left out, because each needs approval: {MODEL}"
    assert place.history() == []


def paused(client, until):
    from prefect.client.schemas.filters import FlowFilter, FlowRunFilter

    query = {
        "flow_filter": FlowFilter(name={"any_": ["approval"]}),
        "flow_run_filter": FlowRunFilter(state={"type": {"any_": ["PAUSED"]}}, name={"any_": ["approve-heart-failure-version-2"]}),
    }
    found = []
    until(lambda: found.extend(client.read_flow_runs(sort="START_TIME_DESC", **query)) or found, "the approval run is paused")
    return found[0]
