"""The approval form in the run page, and the wait for its answer."""

from __future__ import annotations

import logging
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast
from uuid import UUID, uuid4

import httpx
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas import State
from prefect.client.schemas.responses import SetStateStatus
from prefect.input import RunInput, keyset_from_paused_state
from prefect.runtime import flow_run
from prefect.states import Paused
from pydantic import Field
from sqlalchemy.exc import OperationalError

from slipway.errors import ApprovalError
from slipway.lifecycle import approval
from slipway.lifecycle.ledger import Ledger
from slipway.records import Admission, Candidate, Decision, Verdict
from slipway.retries import wait_until
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking.connection import connect, run_page
from tasks import events
from tasks.origin import require_leave
from tasks.patience import FOR_MLFLOW, MINUTE

logger = logging.getLogger("slipway.tasks.approval")

POLL = 2.0  # seconds between two looks at the run
GRACE = timedelta(minutes=10)  # Prefect fails a run when its pause expires; ours ends by itself before that
NOBODY = "nobody"


class Form(RunInput):
    """The form in the run page. Prefect's server checks every answer against it, also those of `slipway approve`."""

    decision: Literal["approve", "reject"] = Field(
        title="Decision", description="approve: the version is put into service and tested. reject: what is in service stays."
    )
    reason: str = Field(title="Reason", description="Why, not blank. It is kept in the ledger.", pattern=r"\S", max_length=1000)
    name: str = Field(title="Your name", description="Who decides, not blank. It is kept in the ledger.", pattern=r"\S", max_length=100)


@task(task_run_name="ask-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=5 * MINUTE, **FOR_MLFLOW)
def ask(
    spec: ModelSpec, candidate: Candidate, verdict: Verdict, hours: float, settings: Settings, admission: Admission | None = None
) -> str:
    """Show the question as an artifact, emit the event that it waits, and return the question for the form, as Markdown."""
    client = connect(settings)
    with tempfile.TemporaryDirectory() as folder:
        card = Path(client.download_artifacts(candidate.run_id, "card.md", folder)).read_text(encoding="utf-8")
    text = approval.question(spec, candidate, verdict, card, run_page(client, settings, candidate.run_id), admission)
    create_markdown_artifact(text, key=f"approval-{spec.name}", description=f"{spec.name}: the question")
    until = f"{datetime.now(UTC) + timedelta(hours=hours):%Y-%m-%d %H:%M} UTC"
    events.emit(events.APPROVAL_WAITING, spec.name, candidate.version, f"it waits until {until}; no answer counts as rejected")
    logger.info(
        "%s: version %s waits for approval until %s: %s (or `slipway approve %s`, `slipway reject %s`)",
        spec.name,
        candidate.version,
        until,
        events.run_url(),
        spec.name,
        spec.name,
    )
    return text


@task(task_run_name="settle-{candidate.model}", cache_policy=NO_CACHE, timeout_seconds=5 * MINUTE, **FOR_MLFLOW)
def settle(candidate: Candidate, verdict: Verdict, decision: Decision, settings: Settings) -> Decision:
    """Write the decision into the ledger; see `slipway.lifecycle.approval`."""
    return approval.settle(candidate, verdict, decision, settings, events.run_url(), require_leave(candidate.model, settings))


def wait_for_decision(form: type[Form], hours: float, settings: Settings) -> Decision | None:
    """Pause the flow run until a person decides. Return None when the run is cancelled. No decision in time is a rejection.

    A decision comes through the ledger, from the gateway's page or `slipway approve`, or with the form of the run page, unless the
    settings close that. It is not Prefect's `pause_flow_run`, because that fails the run when the time is up, and does not notice that it
    is cancelled.

    Raises:
        ApprovalError: Prefect refused to pause the run.
    """
    run, end = UUID(flow_run.id), datetime.now(UTC) + timedelta(hours=hours)
    ledger = Ledger(settings.ledger)
    paused: State[None] = Paused(pause_expiration_time=end + GRACE, pause_key="approval")
    keyset = keyset_from_paused_state(paused)
    if settings.approval_form == "open":
        paused.state_details.run_input_keyset = {str(part): key for part, key in keyset.items()}
        form.save(keyset, run)
    with get_client(sync_client=True) as client:
        _pause(client, run, paused)
        while True:
            found = wait_until(lambda: _decision(ledger, run) or _state_after_pause(client, run) or datetime.now(UTC) >= end, every=POLL)
            if isinstance(found, Decision):
                return found
            if not isinstance(found, State):
                return Decision(approved=False, who=NOBODY, why=f"nobody decided within {hours:g} hours")
            if not found.is_running():
                return None
            if settings.approval_form == "open":
                break
            logger.warning("the run was resumed without a decision, so it waits again: decide at %s", settings.gateway_url)
            _pause(client, run, Paused(pause_expiration_time=end + GRACE, pause_key=str(uuid4())))  # Prefect takes each key once
    answer = cast(Form, form.load(keyset, run))  # in synchronous code, Prefect returns the form itself
    return Decision(approved=answer.decision == "approve", who=answer.name.strip(), why=answer.reason.strip())


def _decision(ledger: Ledger, run: UUID) -> Decision | None:
    """Return the decision that came through the ledger; None until then, or while the database does not answer."""
    try:
        return ledger.decision(str(run))
    except OperationalError as error:
        logger.warning("the ledger cannot be read; the approval still waits: %s", error)
        return None


def _pause(client: SyncPrefectClient, run: UUID, paused: State[None]) -> None:
    reply = client.set_flow_run_state(run, paused)
    if reply.status != SetStateStatus.ACCEPT:
        raise ApprovalError(f"Prefect does not let run {flow_run.name} wait for approval: {reply.details}")


def _state_after_pause(client: SyncPrefectClient, run: UUID) -> State[Any] | None:
    """Return the state of the run; None while it is paused, or while Prefect does not answer."""
    try:
        state = client.read_flow_run(run).state
    except httpx.TransportError as error:  # the client has tried for a minute; a person may take days
        logger.warning("Prefect does not answer; the approval still waits: %r", error)
        return None
    return None if state and state.is_paused() else state
