"""`slipway tunnel`: the gateway under a public address, for trying out."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.terminal.command import command
from deployments.terminal.output import say

if TYPE_CHECKING:
    from slipway.settings import Settings
    from slipway.tunnel.address import Tunnel

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK = 2.0  # seconds between two checks that tunnel and gateway are still there


def tunnel(
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Close it after so many; else it is open until Ctrl-C.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the address as one line of JSON, for scripts.")] = False,
) -> None:
    """Give the gateway a public https address through ngrok, until Ctrl-C, SIGTERM or the end of --minutes.

    For trying out: what is sent and answered passes ngrok's machines. Takes a token in SLIPWAY_NGROK_TOKEN or NGROK_AUTHTOKEN.
    Refused unless the gateway answers, and asks for a credential.

    For example: slipway tunnel --minutes 30
    """
    address = ""
    with command(as_json) as settings, _stopped_by_signals() as stop:
        from slipway.tunnel.address import opened

        try:
            with opened(settings, stop) as found:
                address = found.address
                _show(found, minutes, as_json)
                _record(settings, address, minutes)
                _wait(found, settings, stop, minutes)
        finally:
            if address:
                say(f"closed: {address}")
                _record(settings, address, closed=True)


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Turn the signals that would end this process into an event, so that none of them comes between a tunnel and its closing."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in ENDS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(found: Tunnel, settings: Settings, stop: threading.Event, minutes: float | None) -> None:
    """Return when the tunnel is to be closed. Raises TunnelError when it, or the gateway, ended by itself."""
    from slipway.tunnel.address import TunnelError, is_there

    deadline = time.monotonic() + 60 * minutes if minutes else float("inf")
    while not stop.wait(max(0.0, min(LOOK, deadline - time.monotonic()))) and time.monotonic() < deadline:
        if not is_there(settings):
            raise TunnelError(
                f"the gateway at {settings.gateway_url} ended, so the tunnel was closed: its port may become another program's."
            )
        if not found.is_open() and not stop.wait(LOOK):  # Ctrl-C on a terminal ends the agent a moment before it is seen here
            raise TunnelError(
                "ngrok's agent ended by itself, and the tunnel with it. `slipway tunnel` opens another, with another address."
            )


def _show(found: Tunnel, minutes: float | None, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"address": found.address, "upstream": found.upstream, "minutes": minutes}))
        return
    typer.echo(found.address)
    say(f"leads to the gateway at {found.upstream}; every request needs a credential, and all of it passes ngrok's machines")
    say(f"it closes in {minutes:g} minutes, or with Ctrl-C" if minutes else "Ctrl-C closes it")


def _record(settings: Settings, address: str, minutes: float | None = None, *, closed: bool = False) -> None:
    """Show the tunnel in Prefect, where Prefect's server is up. That it cannot be shown there ends no tunnel."""
    if not _prefect_answers(settings):
        return
    from deployments.terminal.session import use_prefect

    use_prefect(settings)
    from tasks.reporting import show_tunnel_closed, show_tunnel_opened

    state = show_tunnel_closed(address, return_state=True) if closed else show_tunnel_opened(address, minutes, return_state=True)
    if not state.is_completed():
        say(f"Prefect's server at {settings.prefect_url} does not show the tunnel: {state.message}")


def _prefect_answers(settings: Settings) -> bool:
    import httpx

    try:
        health = f"{settings.prefect_url}/api/health"
        return httpx.get(health, timeout=2.0, trust_env=False, verify=False).status_code == httpx.codes.OK  # noqa: S501 - plain http
    except httpx.TransportError:
        return False
