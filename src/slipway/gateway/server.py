"""Ports, sockets and signals: one uvicorn server a port, all on one event loop in one process."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Generator
from pathlib import Path

import uvicorn

from slipway.errors import PlatformError, PortTakenError
from slipway.gateway.app import App, Application
from slipway.gateway.audit import AuditLog
from slipway.gateway.configuration import Configuration
from slipway.gateway.fleet import Fleet
from slipway.gateway.keys import Keys

# Longer than callers keep a connection for reuse, so that it is the caller who closes it: a request sent into a closing one would be lost.
KEEP_ALIVE = 75
LAST_ANSWERS = 30


class Listener(uvicorn.Server):
    """uvicorn without its signal handlers: the process has many servers and handles a signal once, in `serve`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class ModelPorts:
    """The open ports: the main one, and one a model. All methods are for the event loop's thread."""

    def __init__(self, app: App, address: str) -> None:
        self._app = app
        self._address = address
        self._open: dict[int, tuple[str, Listener]] = {}
        self._running: set[asyncio.Task[None]] = set()

    def open(self, port: int, model: str) -> None:
        """Answer for one model on its own port; nothing happens when that is so already.

        Raises:
            PortTakenError: Another model or another program listens there.
        """
        if port in self._open:
            if (holder := self._open[port][0]) != model:
                raise PortTakenError(f"port {port}: expected to be free for {model}, but {holder} is served there. Give one another port.")
            return
        self.listen(bind(self._address, port), model, self._app.for_model(model))

    def listen(self, sock: socket.socket, holder: str, app: Application) -> None:
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=LAST_ANSWERS,
        )
        listener = Listener(config)
        self._open[sock.getsockname()[1]] = (holder, listener)
        task = asyncio.create_task(listener.serve([sock]), name=f"port-{holder}")
        self._running.add(task)
        task.add_done_callback(self._ended)

    def close(self, port: int) -> None:
        """Take no more connections on a port; requests that were taken are answered first."""
        listener = self._open.pop(port)[1]
        listener.should_exit = True
        for server in getattr(listener, "servers", []):  # now, not at the listener's next tick: the port may be wanted again
            server.close()

    async def shut(self) -> None:
        """Close every port and return when the last request is answered, or after 30 s."""
        for port in list(self._open):
            self.close(port)
        await asyncio.gather(*self._running)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or not task.exception():
            self._running.discard(task)  # one that failed stays, so that `shut` raises its error


def bind(address: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        PortTakenError: Another program listens there; the message names it where the system tells.
        PlatformError: The system does not allow this port.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, port))
        sock.listen(2048)
    except OSError as error:
        sock.close()
        if error.errno != errno.EADDRINUSE:
            raise PlatformError(f"port {port} on {address} cannot be opened: {error.strerror}. Choose another port.") from None
        raise PortTakenError(
            f"port {port} on {address}: expected to be free, but {_holder(port)} listens there. "
            "Stop that program, or choose another port (SLIPWAY_GATEWAY_PORT, or SLIPWAY_MODEL_PORTS for a model's)."
        ) from None
    sock.setblocking(False)
    return sock


def _holder(port: int) -> str:
    import psutil

    unknown = "another program"
    try:
        connections = psutil.net_connections("tcp")
        pid = next(c.pid for c in connections if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port and c.pid)
        return f"{psutil.Process(pid).name()} (process {pid})"
    except (psutil.Error, OSError, StopIteration):
        return unknown


async def serve(configuration: Configuration, sock: socket.socket) -> None:
    """Answer on the main port and the models' ports until SIGTERM or SIGINT, then finish what was taken."""
    home = Path(configuration.home)
    log = AuditLog(home)
    fleet = Fleet(Path(configuration.bundles), configuration.model_ports)
    app = App(fleet, Keys(home), log)
    ports = ModelPorts(app, configuration.address)
    follower = asyncio.create_task(fleet.follow(ports), name="fleet")
    ports.listen(sock, "the gateway's main port", app)
    try:
        await _first(_signalled(), follower)
    finally:
        follower.cancel()
        await ports.shut()
        await asyncio.to_thread(log.close)


def _signalled() -> asyncio.Task[bool]:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return asyncio.create_task(stopping.wait(), name="signals")


async def _first(*tasks: asyncio.Task[bool] | asyncio.Task[None]) -> None:
    """Wait for one task to end and raise its error: a gateway that no longer follows its bundles must not look healthy."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
