"""A release learns from answered rows with outcomes, is judged on the newest of them, and is left alone when there is nothing new."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run
from typer.testing import CliRunner

from deployments.cli import app
from flows.release import release
from flows.watch import watch
from slipway.audit import SETTLED, known_outcomes
from slipway.audit.upkeep.retention import prune
from slipway.catalogue import lookup
from slipway.errors import RowsGoneError
from slipway.lifecycle import record
from slipway.monitoring import in_service
from slipway.monitoring.simulation import drawing, sending
from slipway.records import STARTED_BY
from slipway.tracking.connection import connect
from tests.flows.conftest import MODEL, wait_until

pytestmark = pytest.mark.timeout(300)


def drifted(place, rows, kind="concept", size=0.4, seed=0):
    """Rows of a drift that the gateway answers, and their outcomes."""
    spec = lookup(MODEL)
    with in_service.bundle_and_rows(spec, place.settings) as (_, held_out):
        stream = drawing.simulate(spec, held_out, kind, rows, size=size, seed=seed, fresh=True)
    sending.send(spec, stream, True, place.settings, lambda *_: None)
    # a release takes what is two seconds old
    wait_until(
        lambda: len(known_outcomes(place.home, MODEL, since=None, until=datetime.now(UTC) - SETTLED)) == rows, "the outcomes are old enough"
    )


def by_schedule(**parameters):
    """A release that no person started."""

    @flow
    def scheduled():
        with get_client(sync_client=True) as client:
            client.update_flow_run_labels(flow_run.id, {STARTED_BY: "schedule"})
        return release(MODEL, sample=True, trials=2, jobs=1, return_state=True, **parameters)

    return scheduled()


def test_a_release_learns_from_what_happened_since_and_the_next_one_finds_nothing_new(released):
    assert by_schedule().name == "NothingNew"
    [*_, line] = released.history()
    assert (line["event"], line["version"], line["started_by"]) == ("nothing new", 1, "schedule")
    drifted(released, 1_000)

    state = by_schedule()

    assert state.name == "Promoted", state.message
    result = state.result()
    learnt = result.snapshot.learnt
    assert (learnt.learnt + learnt.apart + learnt.left_out.get("the same cells as a row that judges", 0), learnt.apart) == (1_000, 300)
    assert (learnt.new, learnt.versions, learnt.not_judged) == (1_000, {1: 1_000}, "")
    rules = {rule.name: rule.reason for rule in result.verdict.rules}
    assert result.verdict.recent.rows <= 300
    assert "it is better than champion version 1 on the latest rows, beyond chance" in rules["reason to change"]
    now = record.in_service(lookup(MODEL), released.settings)
    assert (now.version, now.data_sha256) == (2, result.snapshot.sha256)

    listed = json.loads(CliRunner().invoke(app, ["data", MODEL, "--json"], catch_exceptions=False).stdout)
    assert [(line["versions"], [part["kind"] for part in line["parts"]]) for line in listed] == [
        ([1], ["sample"]),
        ([2], ["sample", "outcomes"]),
    ]
    assert listed[1]["parts"][1]["learnt"]["new"] == 1_000
    run = connect(released.settings).get_run(result.candidate.run_id)
    assert {one.tags[0].value for one in run.inputs.dataset_inputs} == {"training", "test", "recent"}
    card = Path(connect(released.settings).download_artifacts(result.candidate.run_id, "card.md")).read_text()
    assert f"{learnt.learnt:,} of the training rows" in card

    again = by_schedule()
    assert again.name == "NothingNew"
    assert again.message.startswith("nothing to learn from: the rows are those of version 2, which is in service, and no outcome has come")
    assert watch(MODEL, return_state=True).is_completed()  # it is compared with the rows that it learnt from

    same = release(MODEL, trials=2, jobs=1, dry_run=True, snapshot=result.snapshot.sha256[:12])
    assert (same.candidate.metrics, same.snapshot.sha256) == (result.candidate.metrics, result.snapshot.sha256)

    prune(released.home, datetime.now(UTC) + timedelta(minutes=1), "anna@here")
    gone = release(MODEL, trials=2, jobs=1, dry_run=True, snapshot=result.snapshot.sha256[:12], return_state=True)
    with pytest.raises(RowsGoneError, match=r"the log has none of them now|the log has 0 of them now"):
        gone.result()
    assert watch(MODEL, return_state=True).is_completed()  # the rows of the data set are enough for that


def test_a_champion_that_is_as_good_on_the_latest_rows_stays(released):
    drifted(released, 500, kind="none", size=None)

    state = by_schedule()

    assert state.name == "Refused"
    assert "no difference to champion version 1 is shown on the latest rows, and no alarm stands: it stays" in state.message
    assert [line["event"] for line in released.history()] == ["promoted", "refused"]
