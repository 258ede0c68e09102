"""A model that challenges another: released, tried in shadow, compared row by row, refused, rejected and promoted."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from functools import partial

import httpx
import mlflow
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from typer.testing import CliRunner

from deployments.cli import app
from deployments.server import approvals
from flows.promote import promote
from flows.release import release
from slipway.bundle.store.challenger import challenged
from slipway.catalogue import catalogue, lookup
from slipway.errors import ChallengeError
from slipway.lifecycle.ledger import Ledger
from slipway.records import Paired
from slipway.spec import Gate
from slipway.tracking import registry
from slipway.tracking.connection import connect
from tasks import approval as asking

MODEL, RIVAL = "heart-failure", "heart-failure-boosting"
QUICK = {"sample": True, "trials": 1, "jobs": 1, "return_state": True}
WHY = "right more often for a month"


def served(place):
    """What the gateway says of the model: the version in service and the challenger's."""
    status = httpx.get(f"{place.settings.gateway_url}/models/{MODEL}", headers={"Authorization": f"Bearer {place.key}"}).json()
    return status["version"], (status["challenger"] or {}).get("version")


def standing(place):
    state = registry.state(connect(place.settings), lookup(MODEL).registered_as)
    return state.aliases, state.stages, challenged(place.settings.bundles, MODEL)


def ledger_of(place):
    return [(entry.event, entry.version, entry.previous) for entry in Ledger(place.settings.ledger).history(MODEL)]


@pytest.mark.timeout(500)
def test_a_challenger_is_tried_beside_the_champion_and_promoted_when_gate_and_person_agree(place, until, monkeypatch, request):
    alone = release(RIVAL, **QUICK)
    with pytest.raises(
        ChallengeError, match=r"challenges heart-failure, and no version of heart-failure is in service .*`slipway release heart-failure`"
    ):
        alone.result()
    request.getfixturevalue("released")
    assert [entry["event"] for entry in place.history()] == ["promoted"]
    with pytest.raises(ChallengeError, match="heart-failure has no challenger"):
        promote(MODEL, because=WHY, return_state=True).result()

    state = release(RIVAL, **QUICK)

    assert state.name == "Challenging"
    result = state.result()
    paired = result.verdict.paired
    assert (result.outcome, result.candidate.model, result.candidate.version) == ("challenging", MODEL, 2)
    assert (paired.rows, paired.metric, paired.repeated) == (184, "accuracy", False)
    assert paired.effect.challenger == pytest.approx(result.candidate.metrics["accuracy"])
    assert paired.effect.champion == pytest.approx(result.verdict.champion_metrics["accuracy"])
    assert standing(place)[:2] == ({"champion": 1, "challenger": 2}, {1: "Production", 2: "Staging"})
    assert served(place) == (1, 2)
    entry = Ledger(place.settings.ledger).history(MODEL)[-1]
    assert (entry.event, entry.version, entry.previous, entry.aliases, entry.stage) == ("challenging", 2, 1, ["challenger"], "Staging")
    assert entry.why == f"made by {RIVAL}: {paired.reason}"
    shown = CliRunner().invoke(app, ["history", RIVAL, "--json"])
    assert [one["event"] for one in json.loads(shown.stdout)] == ["promoted", "challenging"]
    _compared_everywhere(state, result.candidate.run_id, paired)

    before = standing(place)
    with monkeypatch.context() as patch:
        patch.setitem(catalogue(), RIVAL, replace(lookup(RIVAL), gate=Gate(floor=0.999)))
        refused = promote(MODEL, because=WHY, return_state=True)
    assert (refused.name, refused.result().outcome) == ("Refused", "refused")
    assert "is below the floor 0.9990" in refused.message
    # what the gate says of so few trials on sample rows is not asked here
    loose = replace(lookup(RIVAL), gate=Gate(floor=0.1, tolerance=1, slice_tolerance=1))
    monkeypatch.setitem(catalogue(), RIVAL, loose)
    rejected = _rejected(place, until, monkeypatch)
    assert (rejected.name, rejected.result().decision.why) == ("Rejected", "not before the audit")
    assert standing(place) == before
    assert served(place) == (1, 2)

    done = promote(MODEL, because=WHY, return_state=True)

    assert done.name == "Promoted"
    assert (done.result().outcome, done.result().champion, done.result().candidate.version) == ("promoted", 1, 2)
    assert done.result().smoke_test.probes == 40
    assert standing(place) == ({"champion": 2, "previous": 1}, {1: "Archived", 2: "Production"}, None)
    until(lambda: served(place) == (2, None), "the gateway has no challenger any more")
    assert ledger_of(place) == [
        ("promoted", 1, None),
        ("challenging", 2, 1),
        ("refused", 2, 1),
        ("rejected", 2, 1),
        ("promoted", 2, 1),
    ]
    assert Ledger(place.settings.ledger).history(MODEL)[-1].why == WHY


def _compared_everywhere(state, run_id, paired):
    """The run page, the model card and the MLflow run show the comparison."""
    with get_client(sync_client=True) as client:
        of_this_run = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))
        artifacts = {artifact.key: artifact.data for artifact in client.read_artifacts(flow_run_filter=of_this_run)}
    for text in (artifacts[f"release-{RIVAL}"], artifacts[f"card-{RIVAL}"], _of_run(run_id, "card.md")):
        assert paired.reason in text
        assert "McNemar" in text
    assert "![Champion and challenger](data:image/png;base64," in artifacts[f"release-{RIVAL}"]
    assert Paired.model_validate_json(_of_run(run_id, "evidence/paired.json")) == paired
    with open(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="plots/paired_differences.png"), "rb") as picture:
        assert picture.read(4) == b"\x89PNG"


def _of_run(run_id, path):
    with open(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=path), encoding="utf-8") as file:
        return file.read()


def _rejected(place, until, monkeypatch):
    """Promote with approval, and have a person say no."""
    monkeypatch.setattr(asking, "POLL", 0.2)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(copy_context().run, partial(promote, MODEL, because=WHY, approval=True, return_state=True))
        until(lambda: running.done() or approvals.waiting(place.settings, MODEL), "the promotion waits for approval", within=120)
        (asked,) = approvals.waiting(place.settings, MODEL)
        assert (asked.version, asked.release) == (2, f"promote-{MODEL}")
        approvals.answer(place.settings, asked, approved=False, who="Ada", why="not before the audit")
        return running.result(timeout=120)
