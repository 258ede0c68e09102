"""The `slipway` command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from deployments.commands.access import keys_app, users_app
from deployments.commands.adopt import adopt
from deployments.commands.approvals import approvals, approve, reject
from deployments.commands.audit import audit_app
from deployments.commands.backup import backup, restore
from deployments.commands.certs import certs
from deployments.commands.challenge import challenge, promote
from deployments.commands.deploy import deploy
from deployments.commands.history import data, history, reconcile
from deployments.commands.models import check, models, new, samples
from deployments.commands.notify import notify
from deployments.commands.outcomes import outcomes
from deployments.commands.platform import down, status, up
from deployments.commands.release import fleet, release
from deployments.commands.rollback import resume, rollback
from deployments.commands.score import score
from deployments.commands.simulate import simulate
from deployments.commands.tunnel import tunnel
from deployments.commands.watch import watch
from deployments.terminal.groups import group

# What a command is for -> the commands, as `--help` lists them. A command's module imports heavy packages in the function's body only.
COMMANDS: dict[str, list[Callable[..., None] | typer.Typer]] = {
    "Release": [
        models,
        new,
        adopt,
        check,
        samples,
        release,
        fleet,
        approvals,
        approve,
        reject,
        challenge,
        promote,
        rollback,
        resume,
        reconcile,
        history,
        data,
    ],
    "Watch": [watch, outcomes, simulate, notify],
    "Serve": [score, tunnel, certs],
    "Platform": [up, status, down, deploy, backup, restore],
    "Access": [users_app, keys_app, audit_app],
}


app = group(
    "slipway",
    "Take a tabular model from its data set's address to a tested endpoint.\n\nFor example: slipway release heart-failure --sample",
)
for panel, members in COMMANDS.items():
    for member in members:
        if isinstance(member, typer.Typer):
            app.add_typer(member, rich_help_panel=panel)
        else:
            app.command(rich_help_panel=panel)(member)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"slipway {version('slipway')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")] = False,
) -> None: ...


def main() -> None:
    app()


if __name__ == "__main__":
    main()
