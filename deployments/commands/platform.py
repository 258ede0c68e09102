"""`slipway up`, `down` and `status`: the local platform."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from deployments.commands.deploy import deploy_quietly
from deployments.terminal.failing import told
from deployments.terminal.printing import err, show_json, show_table, tell
from slipway.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts, and nothing else to the standard output.")]


def up(as_json: AsJson = False) -> None:
    """Start Prefect, MLflow, a worker, the gateway and a watchman on this machine, and return when all answer.

    For example: SLIPWAY_MIRROR=/path/to/rows slipway up
    """
    with told(as_json) as settings:
        from deployments import local
        from deployments.server import automations, channels
        from deployments.terminal.session import model_ports

        local.up(settings, model_ports=model_ports(settings), on_progress=tell)
        deploy_quietly(settings, tell)
        for line in automations.apply(settings):
            tell(line)
        if not channels.configured(settings):
            tell(f"nobody is notified when a person is needed: none of {', '.join(channels.SETTINGS)} is set")
        _show_status(settings, as_json)


def down() -> None:
    """Stop what `slipway up` started. Nothing is lost: the state stays in the home folder.

    For example: slipway down
    """
    with told() as settings:
        from deployments import local

        err.print(f"stopped the platform of {settings.home}" if local.down(settings) else f"nothing of {settings.home} was running")


def status(as_json: AsJson = False) -> None:
    """Show which services run and answer. Exit status 1 when one that was started does not.

    For example: slipway status --json
    """
    with told(as_json) as settings:
        if not _show_status(settings, as_json):
            raise typer.Exit(1)


def _show_status(settings: Settings, as_json: bool) -> bool:
    from deployments import local

    found = local.status(settings)
    if as_json:
        show_json([asdict(service) for service in found])
    else:
        show_table(
            ("service", "state", "answers", "pid", "address", ""),
            [(s.name, s.state, "yes" if s.answering else "no", s.pid, s.url, escape(s.reason)) for s in found],
        )
    return all(service.answering for service in found)
