"""A person's decision, between the gate and the promotion."""

from __future__ import annotations

from typing import Any, cast

from prefect import flow
from prefect.client.schemas import State
from prefect.states import Cancelled, Completed

from slipway.catalogue import lookup
from slipway.lifecycle.locking import Held
from slipway.records import Admission, Candidate, Decision, Verdict
from slipway.settings import Settings
from tasks.approval import NOBODY, Form, ask, settle, wait_for_decision

FLOW = "approval"


@flow(name=FLOW, flow_run_name="approve-{name}-version-{candidate.version}", result_serializer="json", retries=0)
def approve(name: str, candidate: Candidate, verdict: Verdict, hours: float, admission: Admission | None = None) -> State[Any]:
    """Ask a person whether to put a version into service, and pause until they have decided.

    It is a flow of its own inside the release, because Prefect takes away the concurrency slot of a paused run, and then ends the run
    when it cannot renew the slot. The release around it stays Running and keeps its slot, so no other run of its deployment begins.

    Args:
        name: The model's name in the catalogue.
        candidate: The version that passed the gate.
        verdict: The gate's verdict on it.
        hours: Without an answer for so long, it counts as rejected.
        admission: What the data gate found about its rows; None if they were not judged.
    """
    settings = Settings.load()
    question = ask(lookup(name), candidate, verdict, hours, settings, admission)
    decision = wait_for_decision(Form.with_initial_data(description=question), hours, settings)
    if decision is None:
        return Cancelled(message="cancelled in the run page, which counts as rejected")
    return Completed(name="Approved" if decision.approved else "Rejected", message=f"{decision.who}: {decision.why}", data=decision)


def request_approval(
    lock: Held, candidate: Candidate, verdict: Verdict, settings: Settings, admission: Admission | None = None
) -> Decision:
    """Wait for a person's decision on a candidate that passed the gate, and enter it in the ledger."""
    with lock.lent():  # a rollback must be possible while the release waits
        asked = approve(candidate.model, candidate, verdict, settings.approval_hours, admission, return_state=True)
    return settle(candidate, verdict, decided(asked), settings)


def decided(state: State[Any]) -> Decision:
    """Return the decision. An approval run that ended without an answer is a rejection."""
    if state.is_completed():
        return cast(Decision, state.result())
    return Decision(approved=False, who=NOBODY, why=f"the approval run ended as {state.name}: {state.message or 'without a message'}")
