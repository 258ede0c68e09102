"""Releases of a model that follows its rows: they pass the data gate, wait for a person, or end before anything is tuned."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, FlowFilter, FlowFilterName
from prefect.client.schemas.sorting import FlowRunSort
from prefect.settings import PREFECT_UI_URL, temporary_settings

from deployments.commands.release import show_end
from deployments.server import approvals
from deployments.server.approvals import Waiting
from flows.fleet import fleet
from flows.release import conclude, release
from slipway.catalogue import catalogue, lookup
from slipway.data import samples
from slipway.lifecycle.ledger import Ledger
from slipway.lifecycle.locking import exclusive, releasing
from slipway.records import DataFinding
from slipway.spec import DataGate, FollowedDataset
from slipway.tracking import registry
from slipway.tracking.connection import connect
from tasks import approval as asking

MODEL = "heart-failure"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def lines(tmp_path) -> list[bytes]:
    """Rows that are real by every sign, the header first."""
    return samples.generate(lookup(MODEL), tmp_path / "drawn").path.read_bytes().splitlines(keepends=True)


@pytest.fixture
def origin(tmp_path, monkeypatch):
    """A file that heart-failure follows."""
    spec = lookup(MODEL)
    file = tmp_path / "heart.csv"
    dataset = FollowedDataset(origin=str(file), file="heart.csv", drop_duplicates=spec.dataset.drop_duplicates)
    follows = replace(spec, dataset=dataset, gate=replace(spec.gate, floor=0.5, tolerance=1.0, slice_tolerance=1.0), data_gate=DataGate())
    monkeypatch.setitem(catalogue(), MODEL, follows)
    return file


def run(**parameters):
    return release(MODEL, return_state=True, **{"trials": 1, "jobs": 1} | parameters)


def artifact(key: str) -> str:
    """What the run pages show last under a key."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    return max(found, key=lambda one: one.created).data


def asked() -> Waiting:
    """The approval of heart-failure that began last."""
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_filter=FlowFilter(name=FlowFilterName(any_=["approval"])), sort=FlowRunSort.START_TIME_DESC)
    run = next(run for run in runs if run.parameters["name"] == MODEL)
    return Waiting(str(run.id), MODEL, 0, "", "", "", "")


def test_rows_that_grew_are_learnt_from_and_rows_that_are_gone_end_the_release(place, lines, origin):
    origin.write_bytes(b"".join(lines[:701]))
    first = run()
    origin.write_bytes(b"".join(lines[:901]))
    second = run()
    origin.write_bytes(b"".join(lines[:1] + lines[101:901]))
    third = run()

    assert [state.name for state in (first, second, third)] == ["Promoted", "Promoted", "Refused"]
    learnt, refused = second.result(), third.result()
    assert learnt.admission.outcome == "passed"
    assert (learnt.admission.difference.added, learnt.admission.difference.earlier) == (200, first.result().snapshot.sha256)
    assert (refused.outcome, refused.admission.difference.gone, refused.snapshot.rows) == ("refused", 100, 800)
    said = f"the data gate refused the rows {refused.snapshot.sha256[:12]}: 100 rows gone, 11.1% of the 900 before; at most 1.0%. If they"
    assert third.message.startswith(said)
    entries = place.history()
    assert [(entry["event"], entry["version"]) for entry in entries] == [("promoted", 1), ("promoted", 2), ("rows refused", 2)]
    assert entries[-1]["why"] == third.message
    assert registry.state(connect(place.settings), lookup(MODEL).registered_as).stages.keys() == {1, 2}  # nothing was registered
    assert "- ✗ **gone**: 100 rows gone" in artifact(f"rows-{MODEL}")
    (entry,) = fleet([MODEL], trials=1, jobs=1, return_state=True).result().entries
    assert (entry.outcome, entry.version) == ("refused", None)

    chosen = run(snapshot=refused.snapshot.sha256[:12])  # a person looked at them

    assert (chosen.name, chosen.result().snapshot.rows) == ("Promoted", 800)
    run_of_first = connect(place.settings).get_run(first.result().candidate.run_id)
    inputs = {(one.dataset.name, tag.value) for one in run_of_first.inputs.dataset_inputs for tag in one.tags if tag.key == "sha256"}
    assert inputs == {(MODEL, first.result().snapshot.sha256)}


def test_findings_that_come_after_the_gate_wait_for_nobody_where_nobody_can_answer(place, lines, origin):
    origin.write_bytes(b"".join(lines[:301]))
    result = run().result()
    finding = DataFinding(name="outcomes of erp", outcome="asked", reason="half of them contradict the others")
    doubtful = result.model_copy(update={"admission": result.admission.model_copy(update={"findings": [finding]})})

    @flow
    def concluding():
        with releasing(MODEL, place.settings), exclusive(MODEL, place.settings) as lock:
            return conclude(lookup(MODEL), doubtful, lock, place.settings, approval=False)

    with temporary_settings({PREFECT_UI_URL: ""}):
        state = concluding(return_state=True)

    assert state.name == "Rejected"
    last = place.history()[-1]
    assert (last["event"], last["version"], last["who"]) == ("rejected", 1, "slipway")
    assert "half of them contradict the others. Start the platform" in last["why"]


def test_a_refused_release_is_shown_with_findings_and_figures(place, lines, origin, capsys):
    origin.write_bytes(b"".join(lines[:701]))
    run(dry_run=True)  # which keeps its rows, too
    origin.write_bytes(b"".join(lines[:401]))
    refused = run(dry_run=True)
    capsys.readouterr()

    show_end(refused.result(), refused.message)

    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith(f"{MODEL}: refused (before anything was tuned)")
    assert "refused gone: 300 rows gone, 42.9% of the 700 before; at most 1.0%" in shown
    assert "rows 700 400" in shown
    assert f"slipway release {MODEL} --snapshot {refused.result().snapshot.sha256[:12]}" in shown
    assert place.history() == []  # a dry run writes none


def test_rows_beyond_a_limit_wait_for_a_person_who_sees_the_table(place, lines, origin, monkeypatch):
    monkeypatch.setattr(asking, "POLL", 0.2)
    monkeypatch.setenv("SLIPWAY_APPROVAL_HOURS", "0.0003")  # a second, in which nobody answers
    origin.write_bytes(b"".join(lines[:301]))
    first = run()
    origin.write_bytes(b"".join(lines[:901]))

    second = run()

    assert (first.name, second.name) == ("Promoted", "Rejected")
    assert "nobody decided" in second.message
    assert second.result().admission.outcome == "asked"
    question = artifact(f"approval-{MODEL}")
    assert "- ? **added**: 600 rows added, 200.0% of the 300 before; at most 100.0%" in question
    assert "| rows | 300 | 900 |" in question
    assert "| rows | 300 | 900 |" in approvals.findings(place.settings, asked())  # what the page of operators shows
    assert [entry.event for entry in Ledger(place.settings.ledger).history(MODEL)] == ["promoted", "rejected"]

    with temporary_settings({PREFECT_UI_URL: ""}):  # as on a server that ends with the run
        unheard = run()
    (entry,) = fleet([MODEL], trials=1, jobs=1, return_state=True).result().entries  # which waits for nobody

    assert (unheard.name, unheard.result().outcome) == ("NeedsApproval", "needs approval")
    assert "`slipway up`" in unheard.message

    assert (entry.outcome, entry.version) == ("needs approval", None)
    assert entry.message.startswith("its rows need a person's approval: 600 rows added")
