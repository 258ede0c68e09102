"""`slipway rollback` and `slipway resume`: an earlier version back into service, and automations allowed again afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from deployments.terminal.command import AsJson, ModelArgument, command
from deployments.terminal.output import follow_slipway, say, show, show_json, show_outcome

if TYPE_CHECKING:
    from slipway.records import Rollback

NEEDED = ("flows.rollback",)


def rollback(
    name: ModelArgument,
    because: Annotated[str, typer.Option("--because", metavar="WHY", help="Why; it is written into the ledger.")],
    to: Annotated[
        int | None,
        typer.Option("--to", min=1, metavar="N", help="The version to go back to; if left out, the one that was in service before."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put an earlier version back into service: tested beside the running one first, then service, alias and stage move together.

    Exit status: 0 rolled back, or in service already; 1 failed or refused, and service and registry are as they were.

    For example: slipway rollback heart-failure --because "version 4 calls every patient healthy"
    """
    with command(as_json, changing=[name]) as settings:
        from slipway.catalogue import listings
        from slipway.lifecycle.reasons import reason

        because = reason(because)
        listings().served(name)
        say(f"rollback of {name}: {f'version {to}' if to else 'the version before'} is tested, then put back into service")

        from deployments.terminal.session import session

        follow_slipway()
        with session(settings, say, NEEDED, model=name):
            from deployments.terminal.flow_run import run
            from flows.rollback import rollback as flow

            result = cast("Rollback", run(flow, name, name=name, because=because, to=to).result())
        if as_json:
            show_json(result.model_dump(mode="json"))
        else:
            _show(result)


def resume(
    name: ModelArgument,
    because: Annotated[str, typer.Option("--because", metavar="WHY", help="Why; it is written into the ledger.")],
    as_json: AsJson = False,
) -> None:
    """Let automations promote again after a person's rollback, rejection or freeze.

    Until then, a release that a schedule or an alarm starts ends as Held, and what is in service stays.

    For example: slipway resume heart-failure --because "the cause was a broken sensor, and it is replaced"
    """
    with command(as_json) as settings:
        from deployments.operations import acts
        from slipway.catalogue import listings

        model = listings().served(name).name
        done = acts.resume(settings, model, because, started_by="shell")
        if as_json:
            held = done.held and done.held.model_dump(mode="json")
            show_json({"model": model, "resumed": done.resumed, "held": held, "frozen": done.frozen})
        elif done.resumed:
            say(f"{model}: automations may promote again: {because}")
        else:
            say(f"{model}: nothing holds automations back")


def _show(result: Rollback) -> None:
    show_outcome(f"{result.candidate.model}: {result.outcome}", "green")
    show(result.message)
    if result.rehearsed and result.tested:
        for what, report in (("rehearsal", result.rehearsed), ("smoke test", result.tested)):
            show(f"{what}: {report.probes} probe rows came back as measured, median {report.latency_ms:.1f} ms a row")
        show(f"endpoint: {result.tested.endpoint.url}")
