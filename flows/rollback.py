"""One model, back to an earlier version."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas import State

from flows import endings
from flows.mistakes import declines
from flows.parameters import AtLeastOne, ModelName
from flows.recovery import RECOVERS
from flows.service import put_into_service
from slipway.catalogue import served
from slipway.lifecycle.locking import exclusive
from slipway.lifecycle.reasons import reason
from slipway.records import Rollback
from slipway.settings import Settings
from tasks.registry import choose_version, recover
from tasks.serving import rehearse


@flow(name="rollback", flow_run_name="rollback-{name}", result_serializer="json", **RECOVERS)
@declines()
def rollback(name: ModelName, because: str, to: AtLeastOne | None = None) -> State[Any]:
    """Put an earlier version back into service: it is tested beside the running one, then service, alias and stage move together.

    Args:
        name: The model's name in the catalogue, such as heart-failure.
        because: The reason, for the ledger.
        to: The version to go back to. It must have been in service; if left out, the one before the champion.
    """
    spec, settings, because = served(name), Settings.load(), reason(because)
    with exclusive(name, settings):
        recover(spec, settings, without_mlflow=True)
        target = choose_version(spec, settings, to)
        candidate = target.candidate
        result = Rollback(outcome="already in service", candidate=candidate, previous=target.replaced, because=because, message=target.done)
        if target.done:
            return endings.already_in_service(spec, result, settings)
        rehearsed = rehearse(spec, candidate, settings)
        tested = put_into_service(spec, candidate, settings, why=because, action="rollback", because=because)
        return endings.rolled_back(spec, result, rehearsed, tested, settings)
