"""One model, back to an earlier version."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas import State
from prefect.states import Completed
from prefect.transactions import transaction

from flows.parameters import AtLeastOne, ModelName
from flows.recovery import RECOVERS
from slipway.catalogue import served
from slipway.lifecycle.locking import exclusive
from slipway.lifecycle.rollback import reason
from slipway.records import Rollback
from slipway.settings import Settings
from tasks.registry import confirm, promote, recover
from tasks.reporting import show_history
from tasks.rollback import choose_version
from tasks.serving import rehearse, serve, smoke_test


@flow(name="rollback", flow_run_name="rollback-{name}", result_serializer="json", **RECOVERS)
def rollback(name: ModelName, because: str, to: AtLeastOne | None = None) -> State[Any]:
    """Put an earlier version back into service: it is tested beside the running one, then service, alias and stage move together.

    Args:
        name: The model's name in the catalogue, such as heart-failure.
        because: Why, for the ledger and for those who read it later.
        to: The version to go back to, one that was in service; if left out, the one that was in service before.
    """
    spec, settings, because = served(name), Settings.load(), reason(because)
    with exclusive(name, settings):
        recover(spec, settings)
        target = choose_version(spec, settings, to)
        candidate = target.candidate
        result = Rollback(outcome="already in service", candidate=candidate, previous=target.champion, because=because, message=target.done)
        if target.done:
            return Completed(name="AlreadyInService", message=target.done, data=result)
        rehearsed = rehearse(spec, candidate, settings)
        with transaction():
            begun = promote(spec, candidate, settings, action="rollback", because=because)
            endpoint = serve(spec, candidate, settings)
            tested = smoke_test(endpoint, candidate, settings)
            confirm(begun, because, settings)
        message = f"from version {target.champion} back to version {candidate.version}: {because}"
        changes = {"outcome": "rolled back", "message": message, "rehearsed": rehearsed, "tested": tested}
        show_history(spec, settings, return_state=True)
        return Completed(name="RolledBack", message=message, data=result.model_copy(update=changes))
