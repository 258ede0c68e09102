"""One worker: its application, its ports, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from pathlib import Path

from slipway.audit import AuditLog
from slipway.gateway.app import App
from slipway.gateway.bodies.sizes import ALLOWED
from slipway.gateway.configuration import Configuration
from slipway.gateway.network.listening import ModelPorts, Transport
from slipway.gateway.parts import Parts, make
from slipway.gateway.versions.fleet import ServedFleet
from slipway.gateway.workers.workers import ParentChannel

logger = logging.getLogger(__name__)


async def serve(configuration: Configuration, sock: socket.socket, number: int = 0, channel: ParentChannel | None = None) -> None:
    """Answer on the main port and the models' ports until SIGTERM or SIGINT, then answer the requests that were accepted.

    Args:
        number: The number of this worker.
        channel: The connection to the parent of the workers, which opens the ports; None if this process is the only worker.
    Raises:
        PlatformError: The certificate cannot be used.
        ProviderError: The settings of the identity provider cannot be right.
    """
    home, ALLOWED.body, ALLOWED.rows = Path(configuration.home), configuration.max_body_bytes, configuration.max_rows
    fleet = ServedFleet(Path(configuration.bundles), configuration.model_ports)
    log = AuditLog(home, configuration.audit_url)
    parts = make(configuration, fleet, log, number)
    app = App(parts)
    ports = ModelPorts(app, configuration.address, _transport(parts, channel))
    followers = [asyncio.create_task(fleet.follow(ports), name="fleet"), asyncio.create_task(parts.follow(), name="parts")]
    ports.listen(sock, "the gateway's main port", app)
    try:
        await _first(_ending(channel), *followers)
    finally:
        for follower in followers:
            follower.cancel()
        await ports.shut()
        await parts.shadows.finish()
        parts.gatekeeper.close()
        await parts.operations.close()
        await asyncio.to_thread(parts.book.close)
        await asyncio.to_thread(log.close)


def _transport(parts: Parts, channel: ParentChannel | None) -> Transport:
    context = parts.certificate.context if parts.certificate else None
    if channel is None:
        return Transport(parts.connections, context)
    return Transport(parts.connections, context, channel.open, channel.close)


def _ending(channel: ParentChannel | None) -> asyncio.Task[bool]:
    """Return a task that ends at a signal, or when the parent ends."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if channel:
        loop.add_reader(channel.sock.fileno(), stopping.set)  # it sends nothing unasked: readable means ended
    return asyncio.create_task(stopping.wait(), name="signals")


async def _first(*tasks: asyncio.Task[bool] | asyncio.Task[None]) -> None:
    """Wait until one task ends, and raise its error: a gateway that no longer follows its bundles must not look healthy."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
