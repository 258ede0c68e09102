"""Every model, one after another; one that fails does not stop the rest."""

from __future__ import annotations

import signal
from typing import Any, Literal

from prefect import flow, tags
from prefect.client.schemas import State
from prefect.exceptions import TerminationSignal
from prefect.states import Completed, Failed

from flows.cancelling import BY_CTRL_C
from flows.mistakes import DECLINED, declines
from flows.parameters import AtLeastOne, ModelName
from flows.recovery import RECOVERS
from flows.release import release
from flows.tags import tags_of
from slipway.catalogue import catalogue, lookup
from slipway.records import Fleet, FleetEntry, NotAdmitted, Release
from tasks.reporting import report_fleet

# the ends of a release that made no version, by the name of its state
QUIET_ENDS: dict[str, Literal["held", "nothing new"]] = {"Held": "held", "NothingNew": "nothing new"}


@flow(name="fleet", flow_run_name="fleet", result_serializer="json", **RECOVERS)
@declines()
def fleet(
    names: list[ModelName] | None = None,
    sample: bool = False,
    trials: AtLeastOne | None = None,
    jobs: AtLeastOne | None = None,
    dry_run: bool = False,
) -> State[Any]:
    """Release several models. One that needs a person's approval is left out, because the others would wait, and one whose rows do.

    Args:
        names: Models of the catalogue; all of them if left out.
        sample: Use generated rows instead of the real ones.
        trials: Hyperparameter trials for each; if left out, its own number, or a few on sample rows.
        jobs: Processes that tune at the same time; the number of cores if left out. The result is the same.
        dry_run: Stop after the gate, and change neither registry nor service.
    """
    specs = [lookup(name) for name in names or catalogue()]
    chosen = [spec.name for spec in sorted(specs, key=lambda spec: spec.challenges is not None)]  # a challenger after its champion
    ended = {name: None if lookup(name).approval and not dry_run else _end_of(name, sample, trials, jobs, dry_run) for name in chosen}
    entries = [_left_out(name) if state is None else _entry(name, state) for name, state in ended.items()]
    result = Fleet(entries=entries + ([] if names else _wrong_files()))
    report_fleet(result)
    failed = {name: state for name, state in ended.items() if state and state.is_failed()}
    if failed:
        of_persons = all(state.name == DECLINED for state in failed.values())
        return Failed(name=DECLINED if of_persons else None, message=f"failed: {', '.join(failed)}", data=result)
    return Completed(message=_summary(result), data=result)


def _end_of(name: str, *options: Any) -> State[Any]:
    """Release one model, with the tags that it has when it is released by itself.

    Raises:
        KeyboardInterrupt: The release was cancelled, and so the others are not begun.
    """
    with tags(*tags_of("release", name)):
        state: State[Any] = release(name, *options, return_state=True)
    if state.is_cancelled() and state.message == BY_CTRL_C:
        raise KeyboardInterrupt
    if state.is_cancelled():
        raise TerminationSignal(signal.SIGTERM)
    return state


def _left_out(name: str) -> FleetEntry:
    """Return the entry of a model that needs a person's approval, and so is released by itself."""
    message = f"needs a person's approval; release it by itself: `slipway release {name}`, or its deployment"
    return FleetEntry(model=name, outcome="needs approval", version=None, metric=lookup(name).metric, figure=None, message=message)


def _wrong_files() -> list[FleetEntry]:
    """Return an entry for each model whose file is left out of the catalogue."""
    wrong = catalogue().left_out.items()
    return [FleetEntry(model=name, outcome="wrong file", version=None, metric="", figure=None, message=why) for name, why in wrong]


def _summary(result: Fleet) -> str:
    """Return how many models were released, and which were left out."""
    of = {outcome: [entry.model for entry in result.entries if entry.outcome == outcome] for outcome in ("needs approval", "wrong file")}
    released = len(result.entries) - sum(map(len, of.values()))
    approval = f"; left out, because each needs approval: {', '.join(of['needs approval'])}" if of["needs approval"] else ""
    wrong = f"; left out, because the file of each is wrong: {', '.join(of['wrong file'])}" if of["wrong file"] else ""
    return f"{released} models released{approval}{wrong}"


def _in_one_line(error: object) -> str:
    """Return a message of several lines as a cell of a table has it."""
    return " ".join(str(error).split())


def _entry(name: str, state: State[Any]) -> FleetEntry:
    """Sum up one release. Its own run has the full error."""
    ended = state.result(raise_on_failure=False)
    spec = lookup(name)
    if isinstance(ended, NotAdmitted):
        return FleetEntry(model=name, outcome=ended.outcome, version=None, metric=spec.metric, figure=None, message=state.message or "")
    if not isinstance(ended, Release):
        outcome = QUIET_ENDS.get(state.name or "", "failed")
        message = _in_one_line(ended) if outcome == "failed" else state.message or ""
        return FleetEntry(model=name, outcome=outcome, version=None, metric=spec.metric, figure=None, message=message)
    return FleetEntry(
        model=name,
        outcome=ended.outcome,
        version=ended.candidate.version,
        metric=spec.metric,
        figure=ended.candidate.metrics[spec.metric],
        message=state.message or "",
    )
