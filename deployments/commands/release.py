"""`slipway release` and `slipway fleet`: one model, or several, from their rows to tested endpoints."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from deployments.terminal.failing import told
from deployments.terminal.printing import follow_slipway, show_fleet, show_json, show_release, tell
from slipway.records import Fleet, Release

REFUSED = 3

Sample = Annotated[bool, typer.Option("--sample", help="Use generated rows: for trying out, without the internet.")]
Trials = Annotated[
    int | None, typer.Option(min=1, help="Hyperparameter trials; if left out, the model's own number, or a few on sample rows.")
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Processes that tune; all cores if left out. The result is the same.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Stop after the gate; change neither registry nor service.")]
Recorded = Annotated[str | None, typer.Option("--snapshot", metavar="SHA", help="Use the rows of an earlier run; see `slipway history`.")]
Approval = Annotated[bool, typer.Option("--approval", help="After the gate, wait until a person approves in the run page.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts, and nothing else to the standard output.")]


def release(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A model of the catalogue; `slipway models` lists them.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every model of the catalogue, as `slipway fleet` does.")] = False,
    sample: Sample = False,
    trials: Trials = None,
    jobs: Jobs = None,
    dry_run: DryRun = False,
    snapshot: Recorded = None,
    approval: Approval = False,
    as_json: AsJson = False,
) -> None:
    """Take one model from its rows to a tested endpoint.

    Exit status: 0 promoted (or a dry run that would be), 1 failed, 3 refused by the gate or rejected by a person.

    For example: slipway release heart-failure --sample --trials 10
    """
    if every == (name is not None):
        raise typer.BadParameter("name one model, or give --all.", param_hint="NAME")
    if snapshot is not None and (name is None or sample):
        raise typer.BadParameter("it names the rows of one model: leave out --all and --sample.", param_hint="--snapshot")
    if approval and (every or dry_run):
        raise typer.BadParameter("it is for one model, and not for a dry run.", param_hint="--approval")
    if name is None:
        fleet(None, sample, trials, jobs, dry_run, as_json)
        return
    with told(as_json) as settings:
        from deployments.terminal.session import require_run_page, session
        from slipway.catalogue import listings

        require_run_page(name, settings, approval=(approval or listings().lookup(name).approval) and not dry_run)
        follow_slipway()
        with session(settings, tell):
            from flows.release import release as flow

            state = flow(
                name,
                sample=sample,
                trials=trials,
                jobs=jobs,
                dry_run=dry_run,
                snapshot=snapshot,
                approval=approval,
                return_state=True,
            )
            result = cast(Release, state.result())
        if as_json:
            show_json(result.model_dump(mode="json"))
        else:
            show_release(result)
        if not result.verdict.passed or result.outcome == "rejected":
            raise typer.Exit(REFUSED)


def fleet(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Models of the catalogue; all if left out.")] = None,
    sample: Sample = False,
    trials: Trials = None,
    jobs: Jobs = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Release every model, or those that are named; one that fails does not stop the rest. One that needs approval is left out.

    Exit status: 0 all promoted, 1 one failed, 3 one was refused by the gate or left out, and none failed.

    For example: slipway fleet --sample
    """
    with told(as_json) as settings:
        from deployments.terminal.session import session
        from slipway.catalogue import listings

        for name in names or []:
            listings().lookup(name)
        follow_slipway()
        with session(settings, tell):
            from flows.fleet import fleet as flow

            state = flow(names or None, sample=sample, trials=trials, jobs=jobs, dry_run=dry_run, return_state=True)
            result = cast(Fleet, state.result(raise_on_failure=False))
        if as_json:
            show_json(result.model_dump(mode="json"))
        else:
            show_fleet(result)
        outcomes = {entry.outcome for entry in result.entries}
        raise typer.Exit(1 if "failed" in outcomes else REFUSED if outcomes & {"refused", "needs approval"} else 0)
