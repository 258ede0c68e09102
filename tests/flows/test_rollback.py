"""An earlier version comes back whole, or nothing changes: against a real Prefect server, MLflow database and gateway."""

from __future__ import annotations

import json
import shutil
import signal
from dataclasses import replace

import httpx
import pytest
from optuna.distributions import FloatDistribution
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

from flows.release import release
from flows.rollback import rollback
from slipway.bundle.reading import read
from slipway.bundle.store import challenger
from slipway.bundle.store.active import active
from slipway.catalogue import catalogue, lookup
from slipway.errors import BundleError, RegistryError, ReleaseInProgressError, RollbackError, ServingError, SmokeTestError
from slipway.lifecycle import rollback as choosing
from slipway.lifecycle import serving
from slipway.lifecycle.ledger import Ledger
from slipway.lifecycle.locking import exclusive
from slipway.spec import Gate
from slipway.tracking import registry
from slipway.tracking.connection import connect
from tests.flows.conftest import taken_meanwhile
from tests.support.processes import started

MODEL = "heart-failure"
pytestmark = pytest.mark.timeout(300)


def standing(place):
    """Everything a failed rollback must leave alone."""
    state = registry.state(connect(place.settings), lookup(MODEL).registered_as)
    return state, active(place.settings.bundles, MODEL), challenger.challenged(place.settings.bundles, MODEL)


def ledger_of(place):
    return [(entry.event, entry.version, entry.previous) for entry in Ledger(place.settings.ledger).history(MODEL)]


def answers(place):
    """What the endpoint says about the rows that version 1 was measured on."""
    (folder,) = (place.settings.bundles / MODEL).glob("1-*")
    probe = read(folder)
    names = [column.name for column in probe.contract.columns]
    rows = [dict(zip(names, row, strict=True)) for row in probe.probe.rows]
    url = f"{place.settings.gateway_url}/models/{MODEL}/predict"
    answer = httpx.post(url, json={"rows": rows}, headers={"Authorization": f"Bearer {place.key}"}).raise_for_status()
    return answer.headers["X-Slipway-Version"], [prediction["probabilities"] for prediction in answer.json()["predictions"]]


def events(prefect_server, name):
    found = httpx.post(f"{prefect_server}/events/filter", json={"filter": {"event": {"name": [name]}}, "limit": 50}).raise_for_status()
    return found.json()["events"]


def test_a_rollback_restores_the_earlier_version_and_its_answers_and_says_so_everywhere(place, prefect_server, until, monkeypatch):
    loose = replace(lookup(MODEL), gate=Gate(floor=0.1, tolerance=1, slice_tolerance=1))
    before = {}
    for version, strength in ((1, 1.0), (2, 1e-4)):  # so strongly regularised that it answers otherwise
        space = {"C": FloatDistribution(strength, 2 * strength)}
        monkeypatch.setitem(catalogue(), MODEL, replace(loose, search_space=space))
        assert release(MODEL, sample=True, trials=1, return_state=True).name == "Promoted"
        before[version] = answers(place)
    assert [before[1][0], before[2][0]] == ["1", "2"]
    assert before[1][1] != before[2][1]

    state = rollback(MODEL, because="version 2 calls everybody healthy", return_state=True)

    assert (state.name, state.message) == ("RolledBack", "from version 2 back to version 1: version 2 calls everybody healthy")
    assert answers(place) == before[1]
    now, pointer, _ = standing(place)
    assert now.aliases == {"champion": 1, "previous": 2}
    assert now.stages == {1: "Production", 2: "Archived"}
    assert pointer.bundle.startswith("1-")
    first, _, last = Ledger(place.settings.ledger).history(MODEL)
    assert (last.event, last.previous, last.version, last.why) == ("rolled back", 2, 1, "version 2 calls everybody healthy")
    assert (last.metrics, last.confusion_matrix, last.data_sha256) == (first.metrics, first.confusion_matrix, first.data_sha256)
    assert str(state.state_details.flow_run_id) in last.run_url

    client = connect(place.settings)
    back, gone = (client.get_model_version(lookup(MODEL).registered_as, version).tags for version in "12")
    assert (back["slipway.last_event"], back["slipway.last_event_why"]) == ("rolled back", last.why)
    assert (back["slipway.last_event_by"], back["slipway.last_event_run"]) == (last.who, last.run_url)
    assert "slipway.replaced" not in back
    assert gone["slipway.replaced"] == f"by a rollback to version 1 at {last.at}"

    with get_client(sync_client=True) as prefect:
        assert prefect.read_flow_run(state.state_details.flow_run_id).name == f"rollback-{MODEL}"
        tables = prefect.read_artifacts(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id])))
    (table,) = (json.loads(found.data) for found in tables if found.key == f"history-{MODEL}")
    assert [(line["version"], line["aliases"], line["last event"]) for line in table] == [
        ("2", "previous", "promoted"),
        ("1", "champion", "rolled back"),
    ]

    def events_of_it() -> list[dict]:  # rollbacks of other tests have sent this server theirs
        return [event for event in events(prefect_server, "slipway.model.rolled-back") if event["payload"]["run_url"] == last.run_url]

    until(events_of_it, "Prefect has the event")
    (event,) = events_of_it()
    assert event["resource"]["prefect.resource.id"] == f"slipway.model.{MODEL}"
    assert event["payload"] == {
        "model": MODEL, "version": 1, "reason": last.why, "run": f"rollback-{MODEL}", "run_url": last.run_url
    }  # fmt: skip

    for again in ({}, {"to": 1}):
        state = rollback(MODEL, because="to be sure", return_state=True, **again)
        assert state.name == "AlreadyInService"
        assert "version 1 is in service already" in state.message
    assert standing(place)[:2] == (now, pointer)
    assert len(ledger_of(place)) == 3


def test_a_version_whose_stored_bundle_was_altered_changes_nothing_if_this_host_has_no_copy(place, service):
    service.promote(1)
    service.promote(2)
    (copy,) = (place.settings.bundles / MODEL).glob("1-*")
    shutil.rmtree(copy)
    contract = service.stored(1) / "contract.json"
    contract.write_text(contract.read_text().replace('"positive": 1', '"positive": 0'))
    before = standing(place)

    state = rollback(MODEL, because="try", return_state=True)

    with pytest.raises(BundleError, match=r"contract\.json has changed since it was measured"):
        state.result()
    assert standing(place) == before
    assert ledger_of(place) == [("promoted", 1, None), ("promoted", 2, 1)]


def test_a_version_that_no_longer_answers_as_measured_fails_in_the_rehearsal(place, service):
    service.promote(1, deployed=False, wrong=True)
    service.promote(2)
    before = standing(place)

    state = rollback(MODEL, because="try", return_state=True)

    with pytest.raises(ServingError, match="does not answer as it was measured"):
        state.result()
    assert standing(place) == before
    assert ledger_of(place) == [("promoted", 1, None), ("promoted", 2, 1)]  # nothing had to be undone


def test_a_failed_smoke_test_at_the_public_port_undoes_the_rollback(place, service, prefect_server, until, monkeypatch, free_ports):
    service.promote(1)
    service.promote(2)
    before, [port] = standing(place), free_ports(1)
    monkeypatch.setenv("SLIPWAY_MODEL_PORTS", f'{{"{MODEL}": {port}}}')

    with taken_meanwhile(port):
        state = rollback(MODEL, because="try", return_state=True)

    with pytest.raises(SmokeTestError) as failed:
        state.result()
    assert str(failed.value) in state.message
    assert standing(place) == before
    assert ledger_of(place)[2:] == [("undone", 1, 2)]
    why = Ledger(place.settings.ledger).history(MODEL)[-1].why
    assert why == f"the rollback failed: SmokeTestError: {failed.value} (it was rolled back to because: try)"
    assert answers(place)[0] == "2"

    def events_of_it() -> list[tuple[int, str]]:  # releases of other tests have sent this server theirs
        payloads = [event["payload"] for event in events(prefect_server, "slipway.smoke-test.failed")]
        return [(payload["version"], payload["reason"]) for payload in payloads if payload["run"] == f"rollback-{MODEL}"]

    until(lambda: events_of_it() == [(1, str(failed.value))], "Prefect has the event")


def test_a_rollback_killed_in_the_middle_is_undone_by_the_next(place, service, until):
    service.promote(1)
    service.promote(2)
    served = active(place.settings.bundles, MODEL)
    place.gateway.send_signal(signal.SIGSTOP)  # a gateway that hangs holds the rollback between promotion and smoke test
    process = started("rollback", MODEL, because="killed")
    try:
        until(
            lambda: active(place.settings.bundles, MODEL) != served and Ledger(place.settings.ledger).unfinished(MODEL),
            "alias and pointer have moved",
            within=200,
        )
    finally:
        process.kill()
        process.join()
    place.gateway.send_signal(signal.SIGCONT)

    state = rollback(MODEL, because="again", return_state=True)

    assert state.name == "RolledBack"
    assert ledger_of(place)[2:] == [("undone", 1, 2), ("rolled back", 1, 2)]
    undone = Ledger(place.settings.ledger).history(MODEL)[2]
    assert undone.why == "the rollback was cut short between promotion and smoke test (it was rolled back to because: killed)"
    now, _, _ = standing(place)
    assert now.aliases == {"champion": 1, "previous": 2}
    assert answers(place)[0] == "1"


def test_the_challenger_that_is_rolled_back_to_is_one_no_more(place, service):
    service.promote(1, sample=False)
    service.promote(2, sample=False)
    with registry.bundle_of(connect(place.settings), lookup(MODEL).registered_as, 1) as bundle:
        serving.challenge(bundle, 0.0, place.settings)

    assert rollback(MODEL, because="it did better", return_state=True).name == "RolledBack"

    assert standing(place)[2] is None


def test_what_must_not_come_back_is_refused_and_nothing_changes(place, service):
    spec = lookup(MODEL)
    with pytest.raises(RollbackError, match="has no version in service, so there is nothing to roll back"):
        choosing.plan(spec, place.settings)
    service.promote(1, sample=True)
    with pytest.raises(RollbackError, match="no version was in service before version 1"):
        choosing.plan(spec, place.settings)
    service.promote(2, sample=False)
    before = standing(place)

    for to, error, message in (
        (9, RegistryError, "has no version 9; the registry has: 1, 2"),
        (1, RollbackError, "version 1 was trained on sample rows, and version 2, which is in service, on real ones"),
        (None, RollbackError, "version 1 was trained on sample rows"),
    ):
        with pytest.raises(error, match=message):
            choosing.plan(spec, place.settings, to)
    assert choosing.plan(spec, place.settings, 2).done == "version 2 is in service already"
    (place.settings.bundles / MODEL).joinpath(f"2-{service.stored(2).parents[1].name[:8]}", "contract.json").write_text("{}")
    with pytest.raises(BundleError, match="This is the copy on this host; version 2 still answers"):
        choosing.plan(spec, place.settings, 2)
    assert standing(place) == before


def test_a_rollback_waits_for_nobody_and_wants_a_reason(place):
    with exclusive(MODEL, place.settings):
        state = rollback(MODEL, because="now", return_state=True)
    with pytest.raises(ReleaseInProgressError, match="another release or rollback of this model is running"):
        state.result()

    with pytest.raises(RollbackError, match="none was given"):
        rollback(MODEL, because=" ", return_state=True).result()
