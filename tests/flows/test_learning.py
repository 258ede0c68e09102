"""A release learns from answered rows with outcomes, is judged on the newest of them, and is left alone when there is nothing new."""

from __future__ import annotations

import json
import shutil
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

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
from slipway.data import manifests, snapshots
from slipway.errors import RowsGoneError
from slipway.files.checksums import checksum
from slipway.lifecycle import record
from slipway.lifecycle.ledger import Ledger
from slipway.monitoring import in_service
from slipway.monitoring.simulation import drawing, sending
from slipway.records import STARTED_BY
from slipway.settings import Settings
from slipway.tracking.connection import connect
from tests.flows.conftest import MODEL, wait_until
from tests.support.homes import copy_home
from tests.support.processes import started
from tests.support.writes import KilledAt

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


@pytest.mark.drill
@pytest.mark.timeout(1800)
def test_killed_at_each_write_before_the_search_the_next_release_learns_from_the_same_rows(released, tmp_path, monkeypatch, prefect_server):
    drifted(released, 400)
    kept = tmp_path / "kept"
    copy_home(released.home, kept, "locks")

    def learns_in(home: Path, killed_at: KilledAt | None = None) -> int | None:
        monkeypatch.setenv("SLIPWAY_HOME", str(home))
        process = started("release", MODEL, sample=True, trials=1, jobs=1, dry_run=True, killed_at=killed_at)
        process.join(120)
        return process.exitcode

    def joined(home: Path) -> list[str]:
        return [found.sha256 for _, found in manifests.with_outcomes(home / "snapshots", MODEL)]

    copy_home(kept, tmp_path / "undisturbed")
    assert learns_in(tmp_path / "undisturbed") == 0
    (undisturbed,) = joined(tmp_path / "undisturbed")
    writes = []
    for number in range(1, 200):
        home = tmp_path / str(number)
        copy_home(kept, home)
        journal, before = tmp_path / f"{number}.writes", set(snapshots.files(kept / "snapshots", MODEL))
        ended = learns_in(home, KilledAt(number, home, journal, urlsplit(prefect_server).port or 0))
        writes.append(journal.read_text().splitlines()[-1])
        assert ended == -signal.SIGKILL, writes
        if "studies" in writes[-1]:
            break

        left = snapshots.files(home / "snapshots", MODEL)
        assert {file.path.name for file in left} >= {file.path.name for file in before}, writes
        assert all(checksum(file.path).startswith(file.digits) for file in left), writes
        assert learns_in(home) == 0, writes
        assert joined(home) == [undisturbed], writes
        assert [entry.event for entry in Ledger(Settings.load().ledger).history(MODEL)] == ["promoted"], writes
        shutil.rmtree(home)
    print(f"killed at {len(writes)} writes:", *writes, sep="\n  ")
    assert any("manifest" in write for write in writes), writes
