"""One model, from its rows to a tested endpoint."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas import State
from prefect.states import Completed
from prefect.transactions import transaction

from flows.approval import ask_somebody
from flows.parameters import AtLeastOne, ModelName
from flows.recovery import RECOVERS
from flows.trial import require_trial, try_beside
from slipway.catalogue import lookup
from slipway.lifecycle.locking import exclusive, releasing
from slipway.records import Release
from slipway.settings import Settings
from tasks.data import fetch, validate
from tasks.gate import judge
from tasks.registry import confirm, promote, recover, refuse, register
from tasks.reporting import report, show_history
from tasks.serving import serve, smoke_test
from tasks.tuning import tune


@flow(name="release", flow_run_name="release-{name}", result_serializer="json", **RECOVERS)
def release(
    name: ModelName,
    sample: bool = False,
    trials: AtLeastOne | None = None,
    jobs: AtLeastOne | None = None,
    dry_run: bool = False,
    snapshot: str | None = None,
    approval: bool = False,
) -> State[Any]:
    """Release one model: fetch, validate, tune, register, judge, promote, serve and smoke-test.

    A model that challenges another is not promoted: its version is tried beside the one in service.

    Args:
        name: The model's name in the catalogue, such as heart-failure.
        sample: Use generated rows instead of the real ones.
        trials: Hyperparameter trials; if left out, the model's own number, or a few on sample rows.
        jobs: Processes that tune at the same time; the number of cores if left out. The result is the same.
        dry_run: Stop after the gate, and change neither registry nor service.
        snapshot: Use the rows of an earlier run: the first 8 digits or more of their sha256, as `slipway history` shows them.
        approval: After the gate, wait until a person approves in the run page of the approval, or with `slipway approve`. No answer
            in time is a rejection. A model may demand it always.
    """
    spec, settings = lookup(name), Settings.load()
    with releasing(spec.service, settings), exclusive(spec.service, settings) as lock:
        recover(spec, settings)
        if spec.challenges and not dry_run:
            require_trial(spec, settings, approval=approval)
        fetched = fetch(spec, settings, sample, snapshot)
        rows = validate(spec, fetched)
        tuned = tune(spec, fetched, rows, settings, trials, jobs)
        candidate = register(spec, fetched, rows, tuned, settings, dry_run)
        verdict = judge(spec, candidate, rows, settings, to_try=spec.challenges is not None)
        report(spec, fetched, tuned, candidate, verdict, settings)
        result = Release(outcome="dry run", snapshot=fetched, tuned=tuned, candidate=candidate, verdict=verdict)
        if dry_run:
            return Completed(name="DryRun", message=_words(result), data=result)
        if not verdict.passed:
            refuse(candidate, "; ".join(verdict.failures), settings)
            show_history(spec, settings, return_state=True)
            result = result.model_copy(update={"outcome": "refused"})
            return Completed(name="Refused", message=_words(result), data=result)
        if spec.challenges:
            result = try_beside(spec, result, settings)
            return Completed(name="Challenging", message=_words(result), data=result)
        if approval or spec.approval:
            decision = ask_somebody(lock, candidate, verdict, settings)
            result = result.model_copy(update={"decision": decision})
            if not decision.approved:
                show_history(spec, settings, return_state=True)
                result = result.model_copy(update={"outcome": "rejected"})
                return Completed(name="Rejected", message=f"{decision.who}: {decision.why}", data=result)
        with transaction():
            begun = promote(spec, candidate, settings)
            endpoint = serve(spec, candidate, settings)
            smoke = smoke_test(endpoint, candidate, settings)
            confirm(begun, _words(result), settings)
        show_history(spec, settings, return_state=True)
        result = result.model_copy(update={"outcome": "promoted", "smoke_test": smoke})
        return Completed(name="Promoted", message=_words(result), data=result)


def _words(result: Release) -> str:
    return "; ".join(result.verdict.failures or [rule.reason for rule in result.verdict.rules])
