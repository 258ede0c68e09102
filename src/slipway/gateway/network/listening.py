"""One uvicorn server for each port, all on one event loop: the main port, and a port for each model.

uvicorn starts and ends them; the connections are `http_protocol`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from typing import Protocol

import uvicorn

from slipway.errors import PortTakenError
from slipway.gateway.network.connections import Connections
from slipway.gateway.network.http_protocol import HttpProtocol
from slipway.gateway.request import Receive, Scope, Send
from slipway.sockets import BACKLOG, bind

LAST_ANSWERS = 30


Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Applications(Protocol):
    """The ASGI application of the main port; `for_model` returns that of a model's port."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]: ...
    def for_model(self, model: str) -> Application: ...


@dataclass(frozen=True)
class Transport:
    """What all ports share. `open` returns the listening socket of a port, `close` gives it back."""

    connections: Connections = field(default_factory=Connections)
    context: ssl.SSLContext | None = None
    open: Callable[[str, int], socket.socket] = bind
    close: Callable[[int], None] = lambda port: None


class Listener(uvicorn.Server):
    """uvicorn without its signal handlers: the process has many servers and handles a signal once.

    A TLS handshake may take as long as a header.
    """

    transport: Transport

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self.lifespan.startup()
        loop, transport = asyncio.get_running_loop(), self.transport

        def connection() -> asyncio.Protocol:
            return HttpProtocol(self.config.loaded_app, self.server_state, transport.connections, loop)

        patience = transport.connections.header_seconds if transport.context else None
        self.servers = [
            await loop.create_server(
                connection,
                sock=sock,
                ssl=transport.context,
                backlog=BACKLOG,
                ssl_handshake_timeout=patience,
                ssl_shutdown_timeout=patience,
            )
            for sock in sockets or []
        ]
        self.started = True


class ModelPorts:
    """The open ports. For the event loop's thread."""

    def __init__(self, app: Applications, address: str, transport: Transport | None = None) -> None:
        self._app = app
        self._address = address
        self._transport = transport or Transport()
        self._open: dict[int, tuple[str, Listener]] = {}
        self._running: set[asyncio.Task[None]] = set()

    def open(self, port: int, model: str) -> None:
        """Answer for one model on its own port, if it does not yet.

        Raises:
            PortTakenError: Another model or another program listens there.
        """
        if port in self._open:
            if (holder := self._open[port][0]) != model:
                raise PortTakenError(f"port {port}: expected to be free for {model}, but {holder} is served there. Change one of them.")
            return
        self.listen(self._transport.open(self._address, port), model, self._app.for_model(model))

    def listen(self, sock: socket.socket, holder: str, app: Application) -> None:
        """Answer on a socket that is listening already."""
        config = uvicorn.Config(
            app,
            http=HttpProtocol,  # made by `startup`
            proxy_headers=False,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=LAST_ANSWERS,
        )
        listener = Listener(config)
        listener.transport = self._transport
        self._open[sock.getsockname()[1]] = (holder, listener)
        task = asyncio.create_task(listener.serve([sock]), name=f"port-{holder}")
        self._running.add(task)
        task.add_done_callback(self._ended)

    def close(self, port: int) -> None:
        """Accept no more connections on a port. Requests that were accepted are still answered."""
        listener = self._open.pop(port)[1]
        listener.should_exit = True
        for server in getattr(listener, "servers", []):  # now, not at the listener's next tick: the port may be opened again at once
            server.close()
        self._transport.close(port)

    async def shut(self) -> None:
        """Close every port, and return when the last request is answered, or after 30 s."""
        for port in list(self._open):
            self.close(port)
        await asyncio.gather(*self._running)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or not task.exception():
            self._running.discard(task)  # a failed task stays, so that `shut` raises its error
