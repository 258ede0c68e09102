"""`slipway promote`: the challenger into the champion's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.markup import escape

from deployments.commands.release import REFUSED
from deployments.terminal.failing import told
from deployments.terminal.printing import follow_slipway, out, show_json, tell

if TYPE_CHECKING:
    from slipway.records import Promoted

NEEDED = ("flows.promote", "mlflow", "skops.io")


def promote(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The model that is challenged; `slipway models` lists them.")],
    because: Annotated[str, typer.Option("--because", metavar="WHY", help="Why; it is written into the ledger.")],
    version: Annotated[
        int | None, typer.Option("--version", min=1, metavar="N", help="The version to promote; if left out, the challenger.")
    ] = None,
    approval: Annotated[bool, typer.Option("--approval", help="After the gate, wait until a person approves in the run page.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts, and nothing else to the standard output.")] = False,
) -> None:
    """Put the challenger into service: the gate judges it against the champion, then service, alias and stage move together.

    Exit status: 0 promoted, 1 failed, 3 refused by the gate or rejected by a person; then everything is as it was.

    For example: slipway promote heart-failure --because "right more often for a month"
    """
    with told(as_json) as settings:
        from deployments.terminal.session import require_run_page, session
        from slipway.catalogue import listings
        from slipway.lifecycle.rollback import reason

        asked = approval or listings().served(name).approval
        because = reason(because, "promotion", "right more often for a month")
        require_run_page(name, settings, approval=asked)
        follow_slipway()
        with session(settings, tell, NEEDED):
            from flows.promote import promote as flow

            result = cast("Promoted", flow(name, because=because, version=version, approval=approval, return_state=True).result())
        if as_json:
            show_json(result.model_dump(mode="json"))
        else:
            _show(result)
        if result.outcome != "promoted":
            raise typer.Exit(REFUSED)


def _show(result: Promoted) -> None:
    candidate, verdict = result.candidate, result.verdict
    out.print(
        f"[bold {'green' if result.outcome == 'promoted' else 'red'}]{candidate.model}: {result.outcome}[/] (version {candidate.version})"
    )
    for rule in verdict.rules:
        out.print(f"  {'passed' if rule.passed else 'failed'}  {rule.name}: {escape(rule.reason)}", highlight=False)
    if verdict.paired:
        out.print(f"row by row: {verdict.paired.reason}", markup=False, highlight=False)
    if result.decision:
        said = "approved" if result.decision.approved else "rejected"
        out.print(f"{said} by {result.decision.who}: {result.decision.why}", markup=False, highlight=False)
    if result.smoke_test:
        report = result.smoke_test
        out.print(f"smoke test: {report.probes} probe rows came back as measured, median {report.latency_ms:.1f} ms a row")
        out.print(f"endpoint: {report.endpoint.url}")
