"""One model, from its champion to its challenger."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas import State

from flows import endings
from flows.approval import request_approval
from flows.mistakes import declines
from flows.parameters import AtLeastOne, ModelName
from flows.recovery import RECOVERS
from flows.service import put_into_service
from slipway.catalogue import lookup, served
from slipway.lifecycle.locking import exclusive, releasing
from slipway.lifecycle.reasons import reason
from slipway.records import Promoted
from slipway.settings import Settings
from tasks.challenge import choose_challenger, report_challenger
from tasks.data import fetch, validate
from tasks.gate import judge
from tasks.learning import learn
from tasks.registry import recover
from tasks.serving import rehearse


@flow(name="promote", flow_run_name="promote-{name}", result_serializer="json", **RECOVERS)
@declines()
def promote(name: ModelName, because: str, version: AtLeastOne | None = None, approval: bool = False) -> State[Any]:
    """Put the challenger into service: the gate judges it against the champion, then service, alias and stage move together.

    Args:
        name: The model's name in the catalogue, such as heart-failure: the champion's.
        because: The reason, for the ledger.
        version: The version to promote; if left out, the one with the alias challenger.
        approval: After the gate, wait until a person approves. Some models always do.
    """
    spec, settings, because = served(name), Settings.load(), reason(because, "promotion", "it was right more often for a month")
    with releasing(name, settings), exclusive(name, settings) as lock:
        recover(spec, settings)
        chosen = choose_challenger(spec, settings, version)
        candidate, maker = chosen.candidate, lookup(chosen.made_by)
        fetched = fetch(maker, settings, snapshot=candidate.data_sha256)
        verdict = judge(maker, candidate, learn(maker, fetched, validate(maker, fetched), settings), settings)
        report_challenger(maker, candidate, verdict)
        result = Promoted(outcome="refused", candidate=candidate, champion=verdict.champion, because=because, verdict=verdict)
        if not verdict.passed:
            return endings.refused(spec, result, settings)
        decision = request_approval(lock, candidate, verdict, settings) if approval or spec.approval else None
        if decision and not decision.approved:
            return endings.rejected(spec, result, decision, settings)
        rehearse(spec, candidate, settings)
        tested = put_into_service(spec, candidate, settings, why=because, action="promotion", because=because)
        return endings.promoted(spec, result, decision, tested, settings)
