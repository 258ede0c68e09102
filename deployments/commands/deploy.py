"""`slipway deploy`: the deployments of the run page, brought in line with the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.terminal.command import AsJson, command
from deployments.terminal.output import say, show_json, show_table

if TYPE_CHECKING:
    from deployments.server.differences import DeploymentDifference
    from deployments.server.prefect_api import PrefectServer
    from slipway.settings import Settings


def deploy(
    prune: Annotated[bool, typer.Option("--prune", help="Remove Slipway's deployments and schedules that left the catalogue.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove them without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the deployments on the local Prefect server in line with the catalogue; `slipway up` does it as well.

    Changes made in the run page stay, also whether a schedule is on. Deployments that left the catalogue are named, and removed only
    with --prune. Deployments that Slipway did not make are never touched.

    For example: slipway deploy --prune --dry-run
    """
    if prune and as_json and not (yes or dry_run):
        raise typer.BadParameter(
            "asks before it removes, and --json leaves no place for that; add --yes or --dry-run.", param_hint="--prune"
        )
    with command(as_json) as settings, _server(settings) as server:
        from deployments.server import deploying
        from deployments.server.differences import compare

        found = compare(server)
        leaving = _leaving(found)
        if as_json:
            show_json([_row(difference, prune) for difference in found])
        else:
            show_table(("deployment", "action", "schedules", "why"), [tuple(_row(difference, prune).values()) for difference in found])
        if dry_run:
            return
        if prune and leaving:
            if not yes:
                typer.confirm(f"Remove {', '.join(leaving)}?", abort=True, err=True)
            deploying.prune(server, found)
            found = compare(server)  # with a deployment, Prefect removes its limit, also if others share it
        deploying.register(server, found)
        if leaving and not prune:
            say(f"left the catalogue: {', '.join(leaving)}; `slipway deploy --prune` removes them")


def deploy_quietly(settings: Settings, report: Callable[[str], None]) -> None:
    """Do the same for `slipway up`: remove nothing, and report only what changes or is left over."""
    with _server(settings) as server:
        from deployments.server import deploying
        from deployments.server.differences import compare

        found = compare(server)
        deploying.register(server, found)
        for action, done in (("create", "created"), ("update", "updated")):
            if count := sum(difference.action == action for difference in found):
                report(f"deployments: {count} {done}")
        if leaving := _leaving(found):
            report(f"deployments: {', '.join(leaving)} left the catalogue; `slipway deploy --prune` removes them")


def _server(settings: Settings) -> PrefectServer:
    say(f"asking Prefect at {settings.prefect_url} for its deployments")

    from deployments.server.prefect_api import PrefectServer
    from deployments.terminal.session import quiet_prefect

    quiet_prefect(settings)  # forms are made from the flows, which import Prefect
    return PrefectServer(f"{settings.prefect_url}/api")


def _leaving(found: Sequence[DeploymentDifference]) -> list[str]:
    deployments = [difference.name for difference in found if difference.action == "stale"]
    return deployments + [f"{difference.name} schedule {schedule['slug']}" for difference in found for schedule in difference.stale]


def _row(difference: DeploymentDifference, prune: bool) -> dict[str, str]:
    gone = "remove" if prune else "stale"
    kinds = {"add": difference.missing, "change": difference.retimed, gone: difference.stale}
    return {
        "deployment": difference.name,
        "action": gone if difference.action == "stale" else difference.action,
        "schedules": ", ".join(f"{what} {schedule['slug']}" for what, schedules in kinds.items() for schedule in schedules),
        "why": ", ".join(difference.reasons),
    }
