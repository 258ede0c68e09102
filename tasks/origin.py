"""What started a run, and whether the run may still act."""

from __future__ import annotations

from uuid import UUID

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas import FlowRun
from prefect.client.schemas.objects import StateType
from prefect.runtime import flow_run

from slipway.errors import StoppedError
from slipway.lifecycle import record
from slipway.lifecycle.holds import why_held
from slipway.lifecycle.ledger import Ledger
from slipway.monitoring.journal import Journal
from slipway.records import STARTED_BY, WHO, Origin
from slipway.settings import Settings
from slipway.spec import ModelSpec
from tasks.patience import MINUTE

MAY_ACT = (StateType.RUNNING, StateType.PENDING, StateType.PAUSED, StateType.SCHEDULED)


def origin() -> Origin:
    """Return what started the current run, or the run around it, as Prefect has it."""
    return origin_of(_runs())


def origin_of(runs: list[FlowRun]) -> Origin:
    """Return what started these runs, innermost first."""
    if not runs:
        return Origin(started_by="shell")
    first = runs[-1]
    labels, by = first.labels or {}, first.created_by
    if label := labels.get(STARTED_BY):
        started_by = str(label)
    elif by and by.type == "AUTOMATION":
        started_by = f"automation {by.display_value}"
    elif first.auto_scheduled:
        started_by = "schedule"
    else:
        started_by = "run page" if first.deployment_id else "shell"
    who = labels.get(WHO)
    return Origin(started_by=started_by, because=str(first.parameters.get("because") or ""), who=str(who) if who else None)


def require_leave(model: str, settings: Settings) -> Origin:
    """Return what started the current run, after making sure that it may still change something.

    A run that was cancelled, or that Prefect takes for crashed, changes nothing more, although its process still runs: the worker that
    should have ended it may have been away. Without an answer of Prefect nothing is changed either, because nobody could stop the run.

    Raises:
        StoppedError: The run, or the one around it, was cancelled or has crashed; or no person started it, and a person holds them back.
    """
    runs = _runs()
    for run in runs:
        if run.state and run.state.type not in MAY_ACT:
            raise StoppedError(f"{model}: run {run.name} is {run.state.type.value.lower()} in Prefect, so it changes nothing more.")
    started = origin_of(runs)
    if not started.person and (why := _held(model, settings)):
        raise StoppedError(f"{model}: {why}")
    return started


@task(task_run_name="ask-leave-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=5 * MINUTE)
def held_back(spec: ModelSpec, settings: Settings) -> str:
    """Return why this run may not promote a version of the model, with the way out; "" if it may. A person's run always may."""
    return "" if origin().person else _held(spec.service, settings)


def _held(model: str, settings: Settings) -> str:
    ledger = Ledger(settings.ledger)
    entries = ledger.history(model)
    # while a promotion goes on, the version that already answers has no line yet
    why = why_held(entries, None if ledger.unfinished(model) else record.of_entries(model, entries, settings))
    if frozen := Journal(settings.ledger).frozen(model):
        why = why or f"alarms are held back: {frozen}"
    if not why:
        return ""
    return f"automations are held back, because {why}. A person ends that: `slipway resume {model} --because WHY`."


def _runs() -> list[FlowRun]:
    """Return the current run and the one around all, innermost first."""
    ids = dict.fromkeys(str(run_id) for run_id in (flow_run.id, flow_run.root_flow_run_id) if run_id)
    with get_client(sync_client=True) as client:
        return [client.read_flow_run(UUID(run_id)) for run_id in ids]
