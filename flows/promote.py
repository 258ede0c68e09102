"""The challenger of one model, into the champion's place."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas import State
from prefect.states import Completed
from prefect.transactions import transaction

from flows.approval import ask_somebody
from flows.parameters import AtLeastOne, ModelName
from flows.recovery import RECOVERS
from slipway.catalogue import lookup, served
from slipway.lifecycle.locking import exclusive, releasing
from slipway.lifecycle.rollback import reason
from slipway.records import Promoted
from slipway.settings import Settings
from tasks.challenge import choose_challenger, report_challenger
from tasks.data import fetch, validate
from tasks.gate import judge
from tasks.registry import confirm, recover, refuse
from tasks.registry import promote as move
from tasks.reporting import show_history
from tasks.serving import rehearse, serve, smoke_test


@flow(name="promote", flow_run_name="promote-{name}", result_serializer="json", **RECOVERS)
def promote(name: ModelName, because: str, version: AtLeastOne | None = None, approval: bool = False) -> State[Any]:
    """Put the challenger into service: the gate judges it against the champion, then service, alias and stage move together.

    Args:
        name: The model's name in the catalogue, such as heart-failure: the one that is challenged.
        because: Why, for the ledger and for those who read it later.
        version: The version to promote; if left out, the one with the alias challenger.
        approval: After the gate, wait until a person approves. A model may demand it always.
    """
    spec, settings = served(name), Settings.load()
    because = reason(because, "promotion", "it was right more often for a month")
    with releasing(name, settings), exclusive(name, settings) as lock:
        recover(spec, settings)
        chosen = choose_challenger(spec, settings, version)
        candidate, maker = chosen.candidate, lookup(chosen.made_by)
        rows = validate(maker, fetch(maker, settings, snapshot=candidate.data_sha256))
        verdict = judge(maker, candidate, rows, settings)
        report_challenger(maker, candidate, verdict)
        result = Promoted(outcome="refused", candidate=candidate, champion=verdict.champion, because=because, verdict=verdict)
        if not verdict.passed:
            why = "; ".join(verdict.failures)
            refuse(candidate, why, settings)
            show_history(spec, settings, return_state=True)
            return Completed(name="Refused", message=why, data=result)
        if approval or spec.approval:
            decision = ask_somebody(lock, candidate, verdict, settings)
            result = result.model_copy(update={"decision": decision})
            if not decision.approved:
                show_history(spec, settings, return_state=True)
                result = result.model_copy(update={"outcome": "rejected"})
                return Completed(name="Rejected", message=f"{decision.who}: {decision.why}", data=result)
        rehearse(spec, candidate, settings)
        with transaction():
            begun = move(spec, candidate, settings, action="promotion", because=because)
            endpoint = serve(spec, candidate, settings)
            tested = smoke_test(endpoint, candidate, settings)
            confirm(begun, because, settings)
        show_history(spec, settings, return_state=True)
        result = result.model_copy(update={"outcome": "promoted", "smoke_test": tested})
        return Completed(name="Promoted", message=f"version {candidate.version} in the place of {verdict.champion}: {because}", data=result)
