"""`slipway release` and `slipway fleet`: one model, or several, from their rows to tested endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from deployments.terminal.command import AsJson, command, complete_model
from deployments.terminal.output import follow_slipway, say, show, show_json, show_outcome, show_table

if TYPE_CHECKING:
    from slipway.records import Admission, Fleet, NotAdmitted, Release

REFUSED = 3
COLOURS = {"promoted": "green", "challenging": "green", "refused": "red", "rejected": "red"}

Sample = Annotated[bool, typer.Option("--sample", help="Use generated rows: for trying out, without the internet.")]
Trials = Annotated[
    int | None, typer.Option(min=1, help="Hyperparameter trials; if left out, the model's own number, or a few on sample rows.")
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Processes that tune; all cores if left out. The result is the same.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Stop after the gate; change neither registry nor service.")]
EarlierRows = Annotated[
    str | None, typer.Option("--snapshot", metavar="SHA", help="Use the rows of an earlier run; see `slipway history`.")
]
Because = Annotated[str | None, typer.Option("--because", metavar="WHY", help="What it is for; it is written into the ledger.")]
Approval = Annotated[bool, typer.Option("--approval", help="After the gate, wait until a person approves in the run page.")]


def release(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A model of the catalogue; `slipway models` lists them.", autocompletion=complete_model),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every model of the catalogue, as `slipway fleet` does.")] = False,
    sample: Sample = False,
    trials: Trials = None,
    jobs: Jobs = None,
    dry_run: DryRun = False,
    snapshot: EarlierRows = None,
    approval: Approval = False,
    because: Because = None,
    as_json: AsJson = False,
) -> None:
    """Take one model from its rows to a tested endpoint.

    Exit status: 0 promoted (or a dry run that would be), 1 failed, 3 refused by a gate or rejected by a person,
    or its rows need approval, and nobody can be asked.

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
    with command(as_json, changing=[name]) as settings:
        from slipway.catalogue import listings

        model = listings().lookup(name)
        say(f"release of {name}: {'sample rows' if sample else f'the rows of {snapshot}' if snapshot else 'the rows of its origin'}")

        from deployments.terminal.session import require_run_page, session

        require_run_page(name, settings, approval=(approval or model.approval) and not dry_run)
        follow_slipway()
        replaces = not dry_run and not model.challenges
        with session(settings, say, model=name if replaces else None):
            from deployments.terminal.flow_run import run
            from flows.release import release as flow

            state = run(
                flow,
                name,
                name=name,
                sample=sample,
                trials=trials,
                jobs=jobs,
                dry_run=dry_run,
                snapshot=snapshot,
                approval=approval,
                because=because,
            )
            result = cast("Release | NotAdmitted", state.result())
        if as_json:
            show_json(result.model_dump(mode="json"))
        else:
            show_end(result, state.message or "")
        if result.outcome in ("refused", "rejected", "needs approval") or not cast("Release", result).verdict.passed:
            raise typer.Exit(REFUSED)


def fleet(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Models of the catalogue; all if left out.", autocompletion=complete_model),
    ] = None,
    sample: Sample = False,
    trials: Trials = None,
    jobs: Jobs = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Release every model, or those that are named; one that fails does not stop the rest. One that needs approval is left out,
    and so is one whose file is wrong.

    Exit status: 0 all promoted, 1 one failed, 3 one was refused by the gate or left out, and none failed.

    For example: slipway fleet --sample
    """
    with command(as_json, changing=names or []) as settings:
        from slipway.catalogue import listings

        models = listings()
        for name in names or []:
            models.lookup(name)
        say(f"release of {', '.join(names or models)}")

        from deployments.terminal.session import session

        follow_slipway()
        with session(settings, say):
            from deployments.terminal.flow_run import run
            from flows.fleet import fleet as flow

            state = run(flow, "all", names=names or None, sample=sample, trials=trials, jobs=jobs, dry_run=dry_run)
            result = cast("Fleet", state.result(raise_on_failure=False))
        if as_json:
            show_json(result.model_dump(mode="json"))
        else:
            _show_fleet(result)
        outcomes = {entry.outcome for entry in result.entries}
        raise typer.Exit(
            1 if "failed" in outcomes else REFUSED if outcomes & {"refused", "rejected", "needs approval", "wrong file"} else 0
        )


def show_end(result: Release | NotAdmitted, message: str = "") -> None:
    """Print how a release ended.

    Args:
        message: That of its last state, which says what to do after one that was not admitted.
    """
    from slipway.records import NotAdmitted

    if not isinstance(result, NotAdmitted):
        _show_release(result)
        return
    show_outcome(f"{result.snapshot.model}: {result.outcome}", COLOURS.get(result.outcome, "yellow"), " (before anything was tuned)")
    _show_findings(result.admission)
    show(message)


def _show_findings(admission: Admission) -> None:
    """Print what the data gate found, with the figures of both snapshots."""
    from slipway.data.admission import words

    for finding in admission.findings:
        show(f"  {finding.outcome}  {finding.name}: {finding.reason}")
    if admission.difference:
        show_table(("", "before", "now"), words.counts(admission.difference))


def _show_release(release: Release) -> None:
    """Print how a release ended, with the figures and the address."""
    candidate, verdict = release.candidate, release.verdict
    version = f"version {candidate.version}" if candidate.version else "not registered"
    show_outcome(
        f"{candidate.model}: {release.outcome}",
        COLOURS.get(release.outcome, "yellow"),
        f" ({candidate.registered_as} {version}, run {candidate.run_id})",
    )
    if candidate.sample:
        show("trained on sample rows: not for use on patients or customers")
    if release.admission and release.admission.findings:
        _show_findings(release.admission)
    for rule in verdict.rules:
        show(f"  {'passed' if rule.passed else 'failed'}  {rule.name}: {rule.reason}")
    before = verdict.champion_metrics
    show_table(
        ("figure", "test rows", "champion before"),
        [(name, f"{value:.4f}", f"{before[name]:.4f}" if name in before else None) for name, value in sorted(candidate.metrics.items())],
    )
    if verdict.paired:
        show(f"row by row: {verdict.paired.reason}")
    if release.decision:
        show(f"{'approved' if release.decision.approved else 'rejected'} by {release.decision.who}: {release.decision.why}")
    if release.smoke_test:
        report = release.smoke_test
        show(f"smoke test: {report.probes} probe rows came back as measured, median {report.latency_ms:.1f} ms a row")
        if release.outcome == "challenging":
            show(f"in shadow beside version {verdict.champion}; `slipway promote {candidate.model}` puts it into service")
        else:
            show(f"endpoint: {report.endpoint.url}")


def _show_fleet(fleet: Fleet) -> None:
    """Print how each model's release ended."""
    show_table(
        ("model", "outcome", "version", "metric", "test rows", "why"),
        [
            (
                entry.model,
                entry.outcome,
                entry.version,
                entry.metric,
                None if entry.figure is None else f"{entry.figure:.4f}",
                entry.message,
            )
            for entry in fleet.entries
        ],
    )
