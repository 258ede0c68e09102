"""How a flow ends: the state that its run page shows, the message, and the result that the state carries."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas import State
from prefect.runtime import flow_run
from prefect.states import Completed

from slipway.errors import NotInServiceError
from slipway.lifecycle.refused_rows import why
from slipway.monitoring.findings import WatchReport
from slipway.records import Admission, Decision, NotAdmitted, Promoted, Release, Rollback, SmokeReport, Snapshot
from slipway.settings import Settings
from slipway.spec import ModelSpec
from tasks import events
from tasks.data import refuse_rows
from tasks.learning import note_nothing_new
from tasks.registry import mirror, refuse
from tasks.reporting import show_history

TO_BE_READ = "⚠ "  # before the name of a run whose end a person should read


def dry_run(result: Release) -> State[Any]:
    """End a release that changes neither registry nor service, whatever the gate found."""
    return Completed(name="DryRun", message=findings(result), data=result)


def held(why: str) -> State[Any]:
    """End a run that no person started, before anything is tuned: a person's decision holds automations back."""
    _stand_out()
    return Completed(name="Held", message=why)


def not_admitted(spec: ModelSpec, snapshot: Snapshot, admission: Admission, settings: Settings, *, dry_run: bool) -> State[Any] | None:
    """End before anything is tuned if the data gate refused the rows; what is in service stays. Return None if the release goes on.

    If a person must be asked, a release of a fleet ends too, because the others would wait for them, and so does one without a run page,
    where nobody could answer. A dry run asks nobody, and writes nothing into the ledger.
    """
    if admission.outcome == "refused":
        if not dry_run:
            refuse_rows(spec, admission, settings)
        _stand_out()
        return _ended("Refused", why(spec, admission), NotAdmitted(snapshot=snapshot, admission=admission), spec, settings)
    if admission.outcome == "asked" and not dry_run and (way_out := cannot_ask(spec)):
        message = f"its rows need a person's approval: {admission.reasons}. {way_out}"
        result = NotAdmitted(outcome="needs approval", snapshot=snapshot, admission=admission)
        return Completed(name="NeedsApproval", message=message, data=result)
    return None


def cannot_ask(spec: ModelSpec) -> str:
    """Return what to do instead where this run cannot wait for a person; "" if it can. A challenger asks nobody."""
    if spec.challenges:
        return ""
    if flow_run.parent_flow_run_id:
        return f"Release it by itself: `slipway release {spec.name}`"
    if events.run_url() is None:
        return f"Start the platform, whose run page asks for it: `slipway up`, then `slipway release {spec.name}`"
    return ""


def nothing_new(spec: ModelSpec, why: str, settings: Settings) -> State[Any]:
    """End a release that no person started and that would learn what the version in service has learnt. Nothing is tuned."""
    note_nothing_new(spec, why, settings)
    return Completed(name="NothingNew", message=why)


def refused(spec: ModelSpec, result: Release | Promoted, settings: Settings) -> State[Any]:
    """Write into the ledger which rules of the gate the candidate failed. What is in service stays."""
    refuse(result.candidate, findings(result), settings)
    _stand_out()
    return _ended("Refused", findings(result), result.model_copy(update={"outcome": "refused"}), spec, settings)


def rejected(spec: ModelSpec, result: Release | Promoted, decision: Decision, settings: Settings) -> State[Any]:
    """End with the reason of the person who rejected the candidate. What is in service stays."""
    _stand_out()
    changes = {"outcome": "rejected", "decision": decision}
    return _ended("Rejected", f"{decision.who}: {decision.why}", result.model_copy(update=changes), spec, settings)


def challenging(spec: ModelSpec, result: Release, rehearsed: SmokeReport, settings: Settings) -> State[Any]:
    """End the release of a challenger: its version is tried beside the one in service."""
    changes = {"outcome": "challenging", "smoke_test": rehearsed}
    return _ended("Challenging", findings(result), result.model_copy(update=changes), spec, settings)


def released(spec: ModelSpec, result: Release, decision: Decision | None, tested: SmokeReport, settings: Settings) -> State[Any]:
    """End with the new version in service."""
    changes = {"outcome": "promoted", "decision": decision, "smoke_test": tested}
    return _ended("Promoted", findings(result), result.model_copy(update=changes), spec, settings)


def promoted(spec: ModelSpec, result: Promoted, decision: Decision | None, tested: SmokeReport, settings: Settings) -> State[Any]:
    """End with the challenger in the champion's place."""
    message = f"version {result.candidate.version} in the place of {result.champion}: {result.because}"
    changes = {"outcome": "promoted", "decision": decision, "smoke_test": tested}
    return _ended("Promoted", message, result.model_copy(update=changes), spec, settings)


def already_in_service(spec: ModelSpec, result: Rollback, settings: Settings) -> State[Any]:
    """End a rollback to the version that is in service: nothing was done, but alias and stage say so again if they did not."""
    mirror(spec, settings)
    return Completed(name="AlreadyInService", message=result.message, data=result)


def rolled_back(spec: ModelSpec, result: Rollback, rehearsed: SmokeReport, tested: SmokeReport, settings: Settings) -> State[Any]:
    """End with the earlier version in service again."""
    message = f"from version {result.previous} back to version {result.candidate.version}: {result.because}"
    changes = {"outcome": "rolled back", "message": message, "rehearsed": rehearsed, "tested": tested}
    return _ended("RolledBack", message, result.model_copy(update=changes), spec, settings)


def not_in_service(error: NotInServiceError) -> State[Any]:
    """End a watch before the model's first release. That is no failure: its schedule is on from the beginning."""
    return Completed(name="NotInService", message=str(error))


def watched(result: WatchReport, run_id: str | None) -> State[Any]:
    """End a watch; the verdict is the name of the state."""
    if result.alarm:
        _stand_out()
    return Completed(name=result.state.capitalize(), message=result.reason, data=result.model_copy(update={"run_id": run_id}))


def _stand_out() -> None:
    """Mark the run in its name, because Prefect's page shows these ends in the same green as the others: they completed."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_name(UUID(flow_run.id), f"{TO_BE_READ}{flow_run.name}")


def findings(result: Release | Promoted) -> str:
    """Return the reasons of the rules that the candidate failed, or of all rules if it passed."""
    return "; ".join(result.verdict.failures or [rule.reason for rule in result.verdict.rules])


def _ended(name: str, message: str, result: Release | Promoted | Rollback | NotAdmitted, spec: ModelSpec, settings: Settings) -> State[Any]:
    mirror(spec, settings)
    show_history(spec, settings, return_state=True)  # a table that cannot be made fails no release
    return Completed(name=name, message=message, data=result)
