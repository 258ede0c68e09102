"""A person's word, between the gate and the promotion."""

from __future__ import annotations

from typing import Any, cast

from prefect import flow
from prefect.client.schemas import State
from prefect.states import Cancelled, Completed

from slipway.catalogue import lookup
from slipway.lifecycle.locking import Held
from slipway.records import Candidate, Decision, Verdict
from slipway.settings import Settings
from tasks.approval import NOBODY, Form, ask, settle, wait_for_decision

FLOW = "approval"


@flow(name=FLOW, flow_run_name="approve-{name}-version-{candidate.version}", result_serializer="json", retries=0)
def approve(name: str, candidate: Candidate, verdict: Verdict, hours: float) -> State[Any]:
    """Show a person what is to be decided, and pause until they have filled in the form.

    It is a flow of its own inside the release, because Prefect takes a paused run's concurrency slot away, and then ends the run when
    it cannot renew the slot. The release around it stays Running and keeps its slot: no other run of its deployment begins meanwhile.

    Args:
        name: The model's name in the catalogue.
        candidate: The version that passed the gate.
        verdict: What the gate said.
        hours: After how many hours without an answer it counts as rejected.
    """
    question = ask(lookup(name), candidate, verdict, hours, Settings.load())
    decision = wait_for_decision(Form.with_initial_data(description=question), hours)
    if decision is None:
        return Cancelled(message="cancelled in the run page, which counts as rejected")
    return Completed(name="Approved" if decision.approved else "Rejected", message=f"{decision.who}: {decision.why}", data=decision)


def ask_somebody(lock: Held, candidate: Candidate, verdict: Verdict, settings: Settings) -> Decision:
    """Wait for a person's word on a candidate that passed the gate, and write it down."""
    with lock.lent():  # while a person thinks, a rollback must be possible
        asked = approve(candidate.model, candidate, verdict, settings.approval_hours, return_state=True)
    return settle(candidate, verdict, decided(asked), settings)


def decided(state: State[Any]) -> Decision:
    """Return the decision; an approval run that ended otherwise than by an answer is a rejection."""
    if state.is_completed():
        return cast(Decision, state.result())
    return Decision(approved=False, who=NOBODY, why=f"the approval run ended as {state.name}: {state.message or 'without a word'}")
