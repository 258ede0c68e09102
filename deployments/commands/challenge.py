"""`slipway challenge`: a version is tried beside the one in service, in shadow or on a share of the requests. `slipway promote`: it takes
its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from deployments.commands.release import REFUSED
from deployments.terminal.command import AsJson, ModelArgument, command, complete_model
from deployments.terminal.output import follow_slipway, say, show, show_json, show_outcome

if TYPE_CHECKING:
    from slipway.records import Promoted
    from slipway.settings import Settings

NEEDED = ("flows.promote", "mlflow", "skops.io")


def challenge(
    name: ModelArgument,
    version: Annotated[int | None, typer.Option(min=1, metavar="N", help="The registered version to try.")] = None,
    share: Annotated[
        float, typer.Option(metavar="SHARE", help="The fraction of requests that it answers, from 0 to less than 1; 0: none, in shadow.")
    ] = 0.0,
    end: Annotated[bool, typer.Option("--end", help="End the challenge.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try a version beside the one in service. Both are asked about the same rows; `slipway audit show --shadows` compares.

    In shadow, callers get the answers of the version in service only. With a share, each request is answered by one of the two.

    For example: slipway challenge heart-failure --version 3 --share 0.1
    """
    if end == (version is not None):
        raise typer.BadParameter("give the version to try, or --end.", param_hint="--version")
    if not 0 <= share < 1:
        raise typer.BadParameter(
            f"expected a number from 0 to less than 1, received {share:g}; `slipway release` has a version answer all requests.",
            param_hint="--share",
        )
    with command(as_json, changing=[name]) as settings:
        from slipway.catalogue import listings

        listings().served(name)
        if version is None:
            _end(name, settings, as_json)
        else:
            _begin(name, version, share, settings, as_json)


def _begin(name: str, version: int, share: float, settings: Settings, as_json: bool) -> None:
    say(f"challenge of {name}: version {version} is fetched from the registry")

    from slipway.catalogue import served
    from slipway.lifecycle import challenge
    from slipway.lifecycle.locking import exclusive
    from slipway.tracking import registry
    from slipway.tracking.connection import connect

    spec = served(name)
    with exclusive(name, settings), registry.bundle_of(connect(settings), spec.registered_as, version) as bundle:
        made = challenge.begin(spec, bundle, share, settings)
    if as_json:
        show_json({"model": name, "version": version, "run_id": bundle.contract.run_id, "installation": made.installation, "share": share})
    else:
        say(f"{name}: version {version} is the challenger: {challenge.how(share)}")


def _end(name: str, settings: Settings, as_json: bool) -> None:
    say(f"challenge of {name}: ending it")

    from slipway.catalogue import served
    from slipway.lifecycle import challenge
    from slipway.lifecycle.locking import exclusive

    spec = served(name)
    with exclusive(name, settings):
        ended = challenge.end(spec, settings)
    if as_json:
        show_json({"model": name, "ended": ended})
    else:
        say(f"{name}: the challenge is ended" if ended else f"{name} has no challenger")


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
            _show_promotion(result)
        if result.outcome != "promoted":
            raise typer.Exit(REFUSED)


def _show_promotion(result: Promoted) -> None:
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
