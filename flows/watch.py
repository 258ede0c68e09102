"""One model in service, watched: what it was sent against what it has learnt from, what it said against what came true."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from prefect import flow
from prefect.client.schemas import State
from prefect.states import Completed

from flows.parameters import ModelName
from slipway.catalogue import served
from slipway.errors import NotInServiceError
from slipway.lifecycle.locking import watching
from slipway.monitoring import observing, policy
from slipway.monitoring.findings import WatchReport
from slipway.monitoring.journal import Journal
from slipway.settings import Settings
from tasks.monitoring import compare_challenger, judge_windows, propose, raise_alarm, recall, report_watch


@flow(name="watch", flow_run_name="watch-{name}", result_serializer="json")
def watch(name: ModelName) -> State[Any]:
    """Judge the rows that were served, and the outcomes that came to be known, since the last watch; raise an alarm if it is time.

    A challenger is compared with the version in service on the rows that both answered, and proposed when it is better.

    An alarm is an event, upon which an automation starts a release of the model: its result goes through the gate, as ever.

    Args:
        name: The model's name in the catalogue, such as heart-failure.
    """
    spec, settings = served(name), Settings.load()
    with watching(name, settings):
        try:
            version = recall(spec, settings)
        except NotInServiceError as error:  # the schedule is on before the first release, and that is nobody's alarm
            return Completed(name="NotInService", message=str(error))
        observed = judge_windows(spec, version, settings)
        journal = Journal(settings.ledger)
        alarms, frozen = journal.alarms(name), journal.frozen(name)
        windows = journal.windows(name, version.version)
        verdict = policy.judge(windows, spec.watch, now=datetime.now(UTC), last_alarm=alarms[-1] if alarms else None, frozen=frozen)
        paired = compare_challenger(spec, version, settings) if version.challenger else None
        proposal = observing.propose(version, paired, journal.proposals(name), datetime.now(UTC))
        result = WatchReport(
            model=name,
            version=version.version,
            sample=version.contract.sample,
            state=verdict.state,
            reason=verdict.reason,
            kind=verdict.kind,
            alarm=verdict.alarm,
            frozen=frozen,
            windows=observed.windows,
            waiting=observed.waiting,
            waiting_outcomes=observed.waiting_outcomes,
            challenger=version.challenger,
            paired=paired,
            proposal=proposal,
        )
        run_id = report_watch(spec, version, observed, result, settings)
        if verdict.alarm:
            raise_alarm(spec, verdict.alarm, version.contract.sample, settings)
        if proposal:
            propose(spec, proposal, settings)
    return Completed(name=verdict.state.capitalize(), message=verdict.reason, data=result.model_copy(update={"run_id": run_id}))
