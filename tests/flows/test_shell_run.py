"""A flow that the shell runs: the traces it leaves in Prefect, and how a person cancels it."""

from __future__ import annotations

import logging
import os
import signal
import threading
import uuid
from collections.abc import Iterator
from threading import Event

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas import FlowRun
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentFlowRunId, FlowRunFilterTags
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Cancelling

from deployments.terminal.command import TerminatedError
from deployments.terminal.flow_run import run
from flows.fleet import fleet
from flows.mistakes import declines
from slipway.errors import SlipwayError
from tasks.origin import origin

MODEL = "heart-failure"


@pytest.fixture
def client(prefect_server: str) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as connected:
        yield connected


@pytest.fixture
def deployment(client: SyncPrefectClient) -> str:
    """The deployment of the flow `said` below, as the manifest would make it."""
    name = f"toy-{uuid.uuid4().hex[:8]}"
    client.create_deployment(
        client.create_flow(said),
        name,
        tags=["slipway", "said", name],
        entrypoint="flows.said",
        parameter_openapi_schema={"type": "object", "properties": {"name": {"type": "string"}}},
    )
    return name


@flow(name="said-of-a-test", flow_run_name="said-{name}")
@declines()
def said(name: str, number: int | str = 1) -> str:
    return f"{origin().started_by} {number}"


@pytest.fixture
def as_at_a_shell() -> Iterator[None]:
    """Have SIGINT interrupt, which a test run in the background ignores."""
    begun.clear()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def newest(client: SyncPrefectClient, name: str) -> FlowRun:
    return of(client, name)


def test_it_is_a_run_of_its_deployment_with_its_tags(client, deployment):
    assert run(said, deployment, name=deployment, number=2).result() == "shell 2"

    found = newest(client, deployment)
    assert found.deployment_id == client.read_deployment_by_name(f"{said.name}/{deployment}").id
    assert (set(found.tags), found.state.name) == ({"slipway", "said", deployment}, "Completed")
    assert (found.parameters["name"], found.parameters["number"]) == (deployment, 2)


def test_without_a_deployment_it_has_the_same_tags(client):
    name = f"toy-{uuid.uuid4().hex[:8]}"
    assert run(said, name, name=name).result() == "shell 1"

    found = newest(client, name)
    assert (found.deployment_id, set(found.tags)) == (None, {"slipway", said.name, name})


def test_a_deployment_of_another_version_is_named_and_stops_nothing(client, capfd):
    name = f"toy-{uuid.uuid4().hex[:8]}"
    numbers = {"type": "object", "properties": {"number": {"type": "integer"}}}
    client.create_deployment(client.create_flow(said), name, parameter_openapi_schema=numbers, enforce_parameter_schema=True)

    assert run(said, name, name=name, number="many").result() == "shell many"
    assert f"the deployment {said.name}/{name} has other parameters than this Slipway; `slipway up`" in capfd.readouterr().err


put_back: list[str] = []
begun = Event()


@flow(on_cancellation=[lambda _flow, flow_run, state: put_back.append(flow_run.parameters["name"])])
@declines()
def waiting(name: str) -> None:
    begun.set()
    Event().wait(120)


@pytest.mark.parametrize(
    ("number", "ends", "message"),
    [
        (signal.SIGINT, KeyboardInterrupt, "cancelled by Ctrl-C"),
        (signal.SIGTERM, TerminatedError, "cancelled by SIGTERM or in the run page"),
    ],
)
def test_a_signal_cancels_it_and_it_is_no_crash_that_wakes_anybody(client, as_at_a_shell, number, ends, message):
    name = f"toy-{uuid.uuid4().hex[:8]}"
    ended = Event()

    def press() -> None:
        begun.wait(60)
        os.kill(os.getpid(), number)
        while not ended.wait(15):  # as a person would: Python ignores what a signal raises while an object is finalised
            os.kill(os.getpid(), number)

    pressing = threading.Thread(target=press)
    pressing.start()
    with pytest.raises(ends):
        run(waiting, name, name=name)
    ended.set()
    pressing.join()

    states = client.read_flow_run_states(of(client, name).id)
    assert [state.name for state in states] == ["Pending", "Running", "Cancelled"]
    assert (states[-1].message, put_back[-1]) == (message, name)


def test_a_run_that_is_cancelled_in_prefects_page_ends(client, as_at_a_shell):
    name = f"toy-{uuid.uuid4().hex[:8]}"

    def cancel() -> None:
        begun.wait(60)
        client.set_flow_run_state(of(client, name).id, Cancelling())

    threading.Thread(target=cancel).start()
    with pytest.raises(TerminatedError):
        run(waiting, name, name=name)

    states = [state.name for state in client.read_flow_run_states(of(client, name).id)]
    assert states == ["Pending", "Running", "Cancelling", "Cancelled"]


@flow
@declines()
def stopped(name: str) -> None:
    """A run that asks before an effect, and sees that it was cancelled before anybody looked."""
    with get_client(sync_client=True) as another:
        another.set_flow_run_state(of(another, name).id, Cancelling())
    raise SlipwayError("the run is cancelling in Prefect, so it changes nothing more")


def test_a_run_that_sees_by_itself_that_it_was_cancelled_ends_as_cancelled(client):
    name = f"toy-{uuid.uuid4().hex[:8]}"
    with pytest.raises(TerminatedError):
        run(stopped, name, name=name)

    assert of(client, name).state.name == "Cancelled"


class AtTheFirstTrial(logging.Handler):
    """Presses Ctrl-C when the search has begun."""

    def emit(self, record: logging.LogRecord) -> None:
        if ": trial " in record.getMessage():
            logging.getLogger("slipway").removeHandler(self)
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_ends_a_fleet_with_the_release_that_runs(place, client, as_at_a_shell):
    logging.getLogger("slipway").addHandler(AtTheFirstTrial())

    with pytest.raises(KeyboardInterrupt):
        run(fleet, "all", names=[MODEL, "diabetes"], sample=True, trials=1000, jobs=1)

    of_fleet = FlowRunFilter(tags=FlowRunFilterTags(all_=["fleet"]))
    newest = client.read_flow_runs(flow_run_filter=of_fleet, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=1)[0]
    assert (newest.state.name, set(newest.tags)) == ("Cancelled", {"slipway", "fleet", "all"})
    parent = FlowRunFilterParentFlowRunId(any_=[newest.id])
    releases = client.read_flow_runs(flow_run_filter=FlowRunFilter(parent_flow_run_id=parent))
    assert [(one.name, one.state.name, set(one.tags)) for one in releases] == [
        (f"release-{MODEL}", "Cancelled", {"slipway", "release", MODEL})
    ]


def of(client: SyncPrefectClient, name: str) -> FlowRun:
    [found] = client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[name])))
    return found
