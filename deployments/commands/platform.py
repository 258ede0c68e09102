"""`slipway up`, `down` and `status`: the local platform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from deployments.commands.deploy import deploy_quietly
from deployments.terminal.command import AsJson, command
from deployments.terminal.output import say, show, show_json, show_table

if TYPE_CHECKING:
    from deployments.local import ServiceStatus

NEEDS_A_PERSON = 3


def up(as_json: AsJson = False) -> None:
    """Start Prefect, MLflow, a worker, the gateway and a watchman on this machine, and return when all answer.

    For example: SLIPWAY_MIRROR=/path/to/rows slipway up
    """
    with command(as_json) as settings:
        say(f"starting the platform of {settings.home}")

        from deployments import local
        from deployments.server import automations, channels
        from slipway.lifecycle.ports import model_ports

        local.up(settings, model_ports=model_ports(settings, in_service=True), on_progress=say)
        for line in local.taken_ports(settings, model_ports(settings, in_service=False)):
            say(f"{line} Its release is refused until the port is free")
        deploy_quietly(settings, say)
        for line in automations.apply(settings):
            say(line)
        if not channels.configured(settings):
            say(f"nobody is notified when a person is needed: none of {', '.join(channels.SETTINGS)} is set")
        services = local.status(settings)
        if as_json:
            show_json([_row(service) for service in services])
        else:
            _show_services(services)


def down() -> None:
    """Stop what `slipway up` started. Nothing is lost: the state stays in the home folder.

    For example: slipway down
    """
    with command() as settings:
        from deployments import local

        say(f"stopped the platform of {settings.home}" if local.down(settings) else f"nothing of {settings.home} was running")


def status(as_json: AsJson = False) -> None:
    """Show whether the programs answer, and whether work would be done; each line that is not well has the command that mends it.

    Exit status: 0 all is well, 1 a program does not run or answer, 3 the programs answer and something needs a person.

    For example: slipway status --json
    """
    with command(as_json) as settings:
        say(f"the platform of {settings.home}:")

        from deployments import local
        from deployments.checks.every import findings

        services = local.status(settings)
        checks = findings(settings, [service.name for service in services if service.answering])
        if as_json:
            show_json([_row(service) for service in services] + [{"name": name, **asdict(found)} for name, found in checks.items()])
        else:
            _show_services(services)
            show()
            show_table(("check", "state", "reason", "command"), [(name, f.state, f.reason, f.mend) for name, f in checks.items()])
        if not all(service.answering for service in services):
            raise typer.Exit(1)
        if any(found.state in ("wrong", "unknown") for found in checks.values()):
            raise typer.Exit(NEEDS_A_PERSON)


def _show_services(services: Sequence[ServiceStatus]) -> None:
    show_table(
        ("service", "state", "answers", "pid", "address", "reason"),
        [(s.name, s.state, "yes" if s.answering else "no", s.pid, s.url, s.reason) for s in services],
    )


def _row(service: ServiceStatus) -> dict[str, Any]:
    """Return a program as the checks are shown: with the command that mends it."""
    stopped = service.state == "stopped"
    return asdict(service) | {"mend": "" if service.answering else "slipway up" if stopped else "slipway down && slipway up"}
