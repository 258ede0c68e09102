"""A flow that the shell runs leaves the same traces in Prefect as one of the run page: it is a run of its deployment, with its tags."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from threading import Event, Thread
from typing import Any
from uuid import UUID

import httpx
from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas import FlowRun, State
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.flow_engine import run_flow
from prefect.states import Cancelled, Pending

from deployments.terminal.command import TerminatedError
from deployments.terminal.output import say
from flows.cancelling import BY_CTRL_C, BY_SIGTERM, at_the_shell
from flows.tags import tags_of
from slipway.records import STARTED_BY

logger = logging.getLogger(__name__)

SHELL = "shell"
LOOK_EVERY = 3.0  # seconds between two questions whether somebody cancelled the run in Prefect's page


def run(flow: Flow[..., Any], deployment: str, *, started_by: str = SHELL, **parameters: Any) -> State[Any]:
    """Run a flow in this process, and return the state in which it ended.

    Prefect's limit of one run of a deployment does not count such a run: a second release of a model is refused by the model's own lock.

    Args:
        deployment: The name of the flow's deployment, which is the model's.
        started_by: What started it, as `Origin` says it, if no person did.
    Raises:
        KeyboardInterrupt: A person cancelled the run with Ctrl-C.
        TerminatedError: SIGTERM cancelled it, or a person did in Prefect's page.
    """
    with get_client(sync_client=True) as client:
        of_deployment = _of_deployment(client, flow, deployment, flow.serialize_parameters(parameters), started_by)
        flow_run = of_deployment or _of_none(client, flow, deployment, parameters)
        if not of_deployment and started_by != SHELL:
            client.update_flow_run_labels(flow_run.id, {STARTED_BY: started_by})
            flow_run = client.read_flow_run(flow_run.id)
    with at_the_shell(), _cancelled_with(flow_run.id):
        ended = run_flow(flow, flow_run=flow_run, parameters=parameters, return_type="state")
    assert isinstance(ended, State)  # noqa: S101 - our flows are no generators and not asynchronous
    if ended.is_cancelling():  # it saw that by itself, before it changed something
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(flow_run.id, Cancelled(message=BY_SIGTERM), force=True)
    if ended.is_cancelling() or ended.is_cancelled():
        raise KeyboardInterrupt if ended.message == BY_CTRL_C else TerminatedError
    return ended


@contextmanager
def _cancelled_with(run_id: UUID) -> Iterator[None]:
    """End this process as SIGTERM does when the run is cancelled in Prefect's page. No worker knows the run, so none would end it."""
    done = Event()
    # in the same context, which says where Prefect is
    looking = Thread(target=copy_context().run, args=(_end_if_cancelled, run_id, done), daemon=True)
    looking.start()
    try:
        yield
    finally:
        done.set()
        looking.join(LOOK_EVERY)


def _end_if_cancelled(run_id: UUID, done: Event) -> None:
    while not done.wait(LOOK_EVERY):
        try:
            with get_client(sync_client=True) as client:
                state = client.read_flow_run(run_id).state
        except (httpx.HTTPError, RuntimeError) as error:  # a server that restarts; before each effect the run asks by itself
            logger.debug("Prefect did not say whether the run goes on: %s", error)
            continue
        if state and state.is_cancelling() and not done.is_set():
            os.kill(os.getpid(), signal.SIGTERM)  # again and again: Python ignores what a signal raises while an object is finalised


def _of_deployment(
    client: SyncPrefectClient, flow: Flow[..., Any], name: str, parameters: dict[str, Any], started_by: str
) -> FlowRun | None:
    """Create a run of the deployment, which no worker takes because it is pending already; None where Prefect has no such deployment."""
    try:
        deployment = client.read_deployment_by_name(f"{flow.name}/{name}")
        return client.create_flow_run_from_deployment(
            deployment.id, parameters=parameters, state=Pending(), labels={STARTED_BY: started_by}
        )
    except ObjectNotFound:
        return None
    except PrefectHTTPStatusError as error:
        if error.response.status_code != httpx.codes.CONFLICT:
            raise
        say(f"the deployment {flow.name}/{name} has other parameters than this Slipway; `slipway up` brings it up to date")
        return None


def _of_none(client: SyncPrefectClient, flow: Flow[..., Any], name: str, parameters: dict[str, Any]) -> FlowRun:
    return client.create_flow_run(flow, parameters=flow.serialize_parameters(parameters), state=Pending(), tags=tags_of(flow.name, name))
