"""A person's mistake ends a run as Declined, and nobody is notified; a fault ends it as Failed, and is reported once."""

from __future__ import annotations

import errno
import uuid
from collections.abc import Iterator

import pytest
import yaml
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from deployments.server import automations
from deployments.server.prefect_api import PrefectServer
from flows.fleet import fleet
from flows.mistakes import declines
from flows.promote import promote
from flows.release import release
from flows.rollback import rollback
from flows.score import score
from slipway.errors import (
    ChallengeError,
    DatasetNotFoundError,
    DeclinedError,
    InvalidRowsError,
    RegistryError,
    ReleaseInProgressError,
    RollbackError,
    SlipwayError,
    SnapshotNotFoundError,
    StorageError,
    UnknownModelError,
)
from slipway.lifecycle.locking import exclusive
from slipway.records import STARTED_BY
from tests.flows.conftest import wait_until

MODEL = "heart-failure"
pytestmark = pytest.mark.timeout(300)


def test_what_a_person_got_wrong_ends_the_run_as_declined_with_the_reason(released, website, tmp_path):
    (tmp_path / "wrong.csv").write_text("colour,price\nred,1\n")
    with exclusive(MODEL, released.settings):
        mistakes = [
            (release(MODEL, sample=True, return_state=True), ReleaseInProgressError),
            (fleet([MODEL], sample=True, return_state=True), None),
        ]
    mistakes += [
        (release("hart-failure", return_state=True), UnknownModelError),
        (release(MODEL, snapshot="12345678", return_state=True), SnapshotNotFoundError),
        (release(MODEL, sample=True, snapshot="12345678", return_state=True), DeclinedError),
        (rollback(MODEL, because="worse", to=9, return_state=True), RegistryError),
        (rollback(MODEL, because="worse", return_state=True), RollbackError),
        (promote(MODEL, because="better", return_state=True), ChallengeError),
        (score(MODEL, str(tmp_path / "none.csv"), return_state=True), DatasetNotFoundError),
        (score(MODEL, f"{website.url}/none.csv", str(tmp_path / "out.csv"), return_state=True), DatasetNotFoundError),
        (score(MODEL, str(tmp_path / "wrong.csv"), return_state=True), InvalidRowsError),
    ]

    for state, error in mistakes:
        assert (state.type.value, state.name) == ("FAILED", "Declined"), state
        if error:
            with pytest.raises(error) as raised:
                state.result()
            assert state.message == str(raised.value)


def test_what_no_person_got_wrong_fails(place, tmp_path, monkeypatch):
    monkeypatch.setenv("SLIPWAY_MIRROR", str(tmp_path))  # without the rows

    state = release(MODEL, return_state=True)

    assert (state.type.value, state.name) == ("FAILED", "Failed")
    with pytest.raises(DatasetNotFoundError):
        state.result()


def test_a_mistake_in_a_run_that_no_person_started_fails_because_no_person_reads_its_end(prefect_server):
    @flow
    @declines()
    def one(started_by: str, busy: bool = False) -> None:
        with get_client(sync_client=True) as client:
            client.update_flow_run_labels(flow_run.id, {STARTED_BY: started_by})
        raise ReleaseInProgressError("another release is running") if busy else RollbackError("no earlier version")

    ends = {started_by: one(started_by, return_state=True).name for started_by in ("shell", "run page", "schedule", "automation x")}
    assert ends == {"shell": "Declined", "run page": "Declined", "schedule": "Failed", "automation x": "Failed"}
    assert one("schedule", busy=True, return_state=True).name == "Declined"  # the other release goes on: nobody has to act


def test_a_full_disk_is_named_by_every_flow(prefect_server, place):
    @flow
    @declines()
    def one() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/predictions.csv")

    state = one(return_state=True)
    assert state.name == "Failed"
    with pytest.raises(StorageError, match=r"^/data/predictions\.csv: the disk is full\. Free some space; then try again\.$"):
        state.result()


@pytest.mark.parametrize("error", [SlipwayError, InvalidRowsError])
def test_other_errors_are_no_mistakes_of_a_person(prefect_server, error):
    @flow
    @declines()
    def one() -> None:
        raise error("the origin changed its columns")

    assert one(return_state=True).name == "Failed"


@pytest.fixture
def alarm(prefect_server: str) -> Iterator[tuple[PrefectServer, str]]:
    """The automation "run failed" as the file declares it, on a real server; it notifies nobody."""
    declared = next(one for one in yaml.safe_load(automations.FILE.read_text()) if one["name"] == "slipway: run failed")
    with PrefectServer(prefect_server) as server:
        made = server.call("POST", "/automations/", declared | {"actions": [{"type": "do-nothing"}]})
        yield server, made["id"]
        server.call("DELETE", f"/automations/{made['id']}")


def test_one_run_is_reported_once_however_often_it_crashes_and_a_declined_one_never(alarm):
    server, automation = alarm
    runs = {name: begun(server, f"{name}-{uuid.uuid4().hex[:8]}") for name in ("declined", "crashing", "failing", "last")}

    ends(server, runs["declined"], "FAILED", "Declined")
    for _ in range(3):
        ends(server, runs["crashing"], "CRASHED", "Crashed")
        ends(server, runs["crashing"], "RUNNING", "Running")
    ends(server, runs["crashing"], "FAILED", "TimedOut")
    ends(server, runs["failing"], "FAILED", "Failed")
    ends(server, runs["last"], "FAILED", "Failed")  # events are read in their order: after this one, the others have been

    wait_until(lambda: runs["last"] in reported(server, automation), "the last run is reported", within=60)
    mine = [run for run in reported(server, automation) if run in runs.values()]  # other tests' runs fail on this server, too
    assert sorted(mine) == sorted([runs["crashing"], runs["failing"], runs["last"]])


def begun(server: PrefectServer, name: str) -> str:
    flow_id = server.call("POST", "/flows/", {"name": "release"})["id"]
    return str(server.call("POST", "/flow_runs/", {"flow_id": flow_id, "name": name})["id"])


def ends(server: PrefectServer, run: str, kind: str, name: str) -> None:
    server.call("POST", f"/flow_runs/{run}/set_state", {"state": {"type": kind, "name": name}, "force": True})


def reported(server: PrefectServer, automation: str) -> list[str]:
    """Return the runs for which the automation acted, one for each time."""
    query = {"filter": {"event": {"name": ["prefect.automation.triggered"]}, "resource": {"id": [f"prefect.automation.{automation}"]}}}
    found = server.call("POST", "/events/filter", query | {"limit": 50})["events"]
    return [event["payload"]["triggering_labels"]["prefect.resource.id"].removeprefix("prefect.flow-run.") for event in found]
