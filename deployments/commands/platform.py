"""`slipway up`, `down` and `status`: the local platform."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from deployments.commands.deploy import deploy_quietly
from deployments.terminal.command import AsJson, command
from deployments.terminal.output import say, show_json, show_table

if TYPE_CHECKING:
    from slipway.settings import Settings


def up(as_json: AsJson = False) -> None:
    """Start Prefect, MLflow, a worker, the gateway and a watchman on this machine, and return when all answer.

    For example: SLIPWAY_MIRROR=/path/to/rows slipway up
    """
    with command(as_json) as settings:
        say(f"starting the platform of {settings.home}")

        from deployments import local
        from deployments.server import automations, channels
        from deployments.terminal.session import model_ports

        local.up(settings, model_ports=model_ports(settings, in_service=True), on_progress=say)
        for line in local.taken_ports(settings, model_ports(settings, in_service=False)):
            say(f"{line} Its release is refused until the port is free")
        deploy_quietly(settings, say)
        for line in automations.apply(settings):
            say(line)
        if not channels.configured(settings):
            say(f"nobody is notified when a person is needed: none of {', '.join(channels.SETTINGS)} is set")
        _show_status(settings, as_json)


def down() -> None:
    """Stop what `slipway up` started. Nothing is lost: the state stays in the home folder.

    For example: slipway down
    """
    with command() as settings:
        from deployments import local

        say(f"stopped the platform of {settings.home}" if local.down(settings) else f"nothing of {settings.home} was running")


def status(as_json: AsJson = False) -> None:
    """Show which services run and answer. Exit status 1 when one that was started does not.

    For example: slipway status --json
    """
    with command(as_json) as settings:
        say(f"the platform of {settings.home}:")
        if not _show_status(settings, as_json):
            raise typer.Exit(1)


def _show_status(settings: Settings, as_json: bool) -> bool:
    from deployments import local

    found = local.status(settings)
    if as_json:
        show_json([asdict(service) for service in found])
    else:
        show_table(
            ("service", "state", "answers", "pid", "address", "reason"),
            [(s.name, s.state, "yes" if s.answering else "no", s.pid, s.url, s.reason) for s in found],
        )
    return all(service.answering for service in found)
