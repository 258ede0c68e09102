"""One model, from its rows to a tested endpoint."""

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
from flows.trial import require_trial, try_beside
from slipway.catalogue import lookup
from slipway.learning.evidence import Learning
from slipway.lifecycle.locking import Held, exclusive, releasing
from slipway.records import Admission, Decision, Release
from slipway.settings import Settings
from slipway.spec import ModelSpec
from tasks.approval import settle
from tasks.data import admit, fetch, validate
from tasks.gate import judge
from tasks.learning import learn, why_nothing_new
from tasks.origin import held_back
from tasks.registry import recover, register
from tasks.reporting import report
from tasks.tuning import tune


@flow(name="release", flow_run_name="release-{name}", result_serializer="json", **RECOVERS)
@declines()
def release(
    name: ModelName,
    sample: bool = False,
    trials: AtLeastOne | None = None,
    jobs: AtLeastOne | None = None,
    dry_run: bool = False,
    snapshot: str | None = None,
    approval: bool = False,
    because: str | None = None,
) -> State[Any]:
    """Release one model: fetch, admit, validate, tune, register, judge, promote, serve and smoke-test.

    A model that challenges another is not promoted: its version is tried beside the one in service.

    Args:
        name: The model's name in the catalogue, such as heart-failure.
        sample: Use generated rows instead of the real ones.
        trials: Hyperparameter trials; if left out, the model's own number, or a few on sample rows.
        jobs: Processes that tune at the same time; the number of cores if left out. The result is the same.
        dry_run: Stop after the gate, and change neither registry nor service.
        snapshot: Use the rows of an earlier run: the first 8 digits or more of their sha256, as `slipway history` shows them.
        approval: After the gate, wait until a person approves in the run page of the approval, or with `slipway approve`. No answer
            in time is a rejection. Some models always wait, and so does a release whose rows differ too much from the last ones.
        because: What it is for, such as an alarm; it is written into the ledger.
    """
    spec, settings = lookup(name), Settings.load()
    with releasing(spec.service, settings), exclusive(spec.service, settings) as lock:
        recover(spec, settings, replaces=not dry_run and not spec.challenges)
        if not dry_run and (why := held_back(spec, settings)):
            return endings.held(why)
        require_trial(spec, settings, dry_run=dry_run, approval=approval)
        fetched = fetch(spec, settings, sample, snapshot)
        admission = admit(spec, fetched, settings, chosen=snapshot is not None)
        if ended := endings.not_admitted(spec, fetched, admission, settings, dry_run=dry_run):
            return ended
        learning = learn(spec, fetched, validate(spec, fetched), settings)
        if not dry_run and (why := why_nothing_new(spec, learning.snapshot, settings)):
            return endings.nothing_new(spec, why, settings)
        result = measure(spec, learning, admission, settings, trials, jobs, dry_run=dry_run)
        if dry_run:
            return endings.dry_run(result)
        return conclude(spec, result, lock, settings, approval)


def measure(
    spec: ModelSpec, learning: Learning, admission: Admission, settings: Settings, trials: int | None, jobs: int | None, *, dry_run: bool
) -> Release:
    """Make a version of the rows and judge it: tune, register, judge. A dry run registers none."""
    snapshot, rows = learning.snapshot, learning.rows
    tuned = tune(spec, snapshot, rows, settings, trials, jobs)
    candidate = register(spec, snapshot, rows, tuned, settings, dry_run)
    verdict = judge(spec, candidate, learning, settings, to_try=spec.challenges is not None)
    report(spec, snapshot, tuned, candidate, verdict, settings)
    admission = admission.model_copy(update={"findings": admission.findings + learning.findings})
    return Release(outcome="dry run", snapshot=snapshot, tuned=tuned, candidate=candidate, verdict=verdict, admission=admission)


def conclude(spec: ModelSpec, result: Release, lock: Held, settings: Settings, approval: bool) -> State[Any]:
    """Put a candidate that passed the gate into the champion's place, after a person's approval where one is needed, or on trial."""
    candidate = result.candidate
    if not result.verdict.passed:
        return endings.refused(spec, result, settings)
    if spec.challenges:
        return try_beside(spec, result, settings)
    asked = result.admission if result.admission and result.admission.outcome == "asked" else None
    if asked and (way_out := endings.cannot_ask(spec)):  # findings on the rows of the log come after those of the data set
        nobody = Decision(approved=False, who="slipway", why=f"its rows need a person's approval: {asked.reasons}. {way_out}")
        return endings.rejected(spec, result, settle(candidate, result.verdict, nobody, settings), settings)
    needed = approval or spec.approval or asked
    decision = request_approval(lock, candidate, result.verdict, settings, result.admission) if needed else None
    if decision and not decision.approved:
        return endings.rejected(spec, result, decision, settings)
    tested = put_into_service(spec, candidate, settings, why=endings.findings(result))
    return endings.released(spec, result, decision, tested, settings)
