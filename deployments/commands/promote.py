"""`slipway promote`: the challenger into the champion's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from deployments.commands.release import REFUSED
from deployments.terminal.command import AsJson, command, complete_model
from deployments.terminal.output import follow_slipway, say, show, show_json, show_outcome

if TYPE_CHECKING:
    from slipway.records import Promoted

NEEDED = ("flows.promote", "mlflow", "skops.io")


def promote(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="The model that is challenged; `slipway models` lists them.", autocompletion=complete_model),
    ],
    because: Annotated[str, typer.Option("--because", metavar="WHY", help="Why; it is written into the ledger.")],
    version: Annotated[
        int | None, typer.Option("--version", min=1, metavar="N", help="The version to promote; if left out, the challenger.")
    ] = None,
    approval: Annotated[bool, typer.Option("--approval", help="After the gate, wait until a person approves in the run page.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put the challenger into service: the gate judges it against the champion, then service, alias and stage move together.

    Exit status: 0 promoted, 1 failed, 3 refused by the gate or rejected by a person; then everything is as it was.

    For example: slipway promote heart-failure --because "right more often for a month"
    """
    with command(as_json, changing=[name]) as settings:
        from slipway.catalogue import listings
        from slipway.lifecycle.reasons import reason

        model = listings().served(name)
        because = reason(because, "promotion", "right more often for a month")
        say(f"promotion of {name}: the gate judges {f'version {version}' if version else 'the challenger'} against the champion")

        from deployments.terminal.session import require_run_page, session

        require_run_page(name, settings, approval=approval or model.approval)
        follow_slipway()
        with session(settings, say, NEEDED, model=name):
            from deployments.terminal.flow_run import run
            from flows.promote import promote as flow

            result = cast("Promoted", run(flow, name, name=name, because=because, version=version, approval=approval).result())
        if as_json:
            show_json(result.model_dump(mode="json"))
        else:
            _show(result)
        if result.outcome != "promoted":
            raise typer.Exit(REFUSED)


def _show(result: Promoted) -> None:
    candidate, verdict = result.candidate, result.verdict
    colour = "green" if result.outcome == "promoted" else "red"
    show_outcome(f"{candidate.model}: {result.outcome}", colour, f" (version {candidate.version})")
    for rule in verdict.rules:
        show(f"  {'passed' if rule.passed else 'failed'}  {rule.name}: {rule.reason}")
    if verdict.paired:
        show(f"row by row: {verdict.paired.reason}")
    if result.decision:
        show(f"{'approved' if result.decision.approved else 'rejected'} by {result.decision.who}: {result.decision.why}")
    if result.smoke_test:
        report = result.smoke_test
        show(f"smoke test: {report.probes} probe rows came back as measured, median {report.latency_ms:.1f} ms a row")
        show(f"endpoint: {report.endpoint.url}")
