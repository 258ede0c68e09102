"""`slipway rollback`: an earlier version back into service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.markup import escape

from deployments.terminal.failing import told
from deployments.terminal.printing import err, follow_slipway, out, show_json

if TYPE_CHECKING:
    from slipway.records import Rollback

NEEDED = ("flows.rollback",)


def rollback(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model of the catalogue; `slipway models` lists them.")],
    because: Annotated[str, typer.Option("--because", metavar="WHY", help="Why; it is written into the ledger.")],
    to: Annotated[
        int | None,
        typer.Option("--to", min=1, metavar="N", help="The version to go back to; if left out, the one that was in service before."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts, and nothing else to the standard output.")] = False,
) -> None:
    """Put an earlier version back into service: tested beside the running one first, then service, alias and stage move together.

    Exit status: 0 rolled back, or in service already; 1 failed or refused, and service and registry are as they were.

    For example: slipway rollback heart-failure --because "version 4 calls every patient healthy"
    """
    with told(as_json) as settings:
        from deployments.terminal.session import session
        from slipway.catalogue import listings
        from slipway.lifecycle.rollback import reason

        listings().served(name)
        because = reason(because)
        follow_slipway()
        with session(settings, lambda line: err.print(escape(line), highlight=False), NEEDED):
            from flows.rollback import rollback as flow

            result = cast("Rollback", flow(name, because=because, to=to, return_state=True).result())
        if as_json:
            show_json(result.model_dump(mode="json"))
        else:
            _show(result)


def _show(result: Rollback) -> None:
    out.print(f"[bold green]{result.candidate.model}: {result.outcome}[/]")
    out.print(escape(result.message), highlight=False)
    if result.rehearsed and result.tested:
        for what, report in (("rehearsal", result.rehearsed), ("smoke test", result.tested)):
            out.print(f"{what}: {report.probes} probe rows came back as measured, median {report.latency_ms:.1f} ms a row")
        out.print(f"endpoint: {result.tested.endpoint.url}")
