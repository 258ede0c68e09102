"""HTTP/1.1 and HTTP/1.0 on one connection: one request after another, each body by its own length and nothing else.

A request is read when the one before it is answered, so answers come in order, and requests that are sent ahead wait in the buffers of
the connection. What cannot be read for certain is refused; then the connection ends, because nobody knows where the next request begins.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from uvicorn.server import ServerState

from slipway.gateway.bodies.sizes import ALLOWED
from slipway.gateway.network import heads
from slipway.gateway.network.connections import Connections
from slipway.gateway.network.ending import Ending
from slipway.gateway.network.exchange import Exchange
from slipway.gateway.network.flow import Flow
from slipway.gateway.network.framing import Allowance, Chunks, Sized
from slipway.gateway.network.heads import MOST_HEAD, RequestHead
from slipway.gateway.network.raw_replies import TOO_MANY, TOO_SLOW, late
from slipway.gateway.replies import TOO_LARGE, Header, RequestError
from slipway.gateway.request import ALLOW, REFUSAL

ENOUGH = 64 * 1024  # bytes that wait; more are not read from the network
IDLE, HEADER, BODY, WORK, ANSWER, CLOSING = range(6)
UNKNOWN = "?"
ASGI = {"version": "3.0", "spec_version": "2.3"}

logger = logging.getLogger(__name__)


class HttpProtocol(asyncio.Protocol):
    """One connection: its bytes, the request that is read or in work, and how long the caller has taken.

    `phase` is what it waits for, `since` when that began.
    """

    def __init__(self, app: Any, state: ServerState, connections: Connections, loop: asyncio.AbstractEventLoop) -> None:
        self._app, self._state, self._connections, self._loop = app, state, connections, loop
        self._transport: asyncio.Transport = None  # type: ignore[assignment]  # set when the connection is made
        self._waiting = b""  # bytes that have come and are not read yet
        self._exchange: Exchange | None = None
        self._body: Sized | Chunks | None = None  # of `_exchange`, while it is not complete
        self._taken, self._allowance = 0, Allowance()  # bytes of this body so far, or of those after the last answer
        self._deaf = self._ended = False
        self._ending: Ending | None = None
        self.flow: Flow = None  # type: ignore[assignment]  # likewise
        self._scope: dict[str, Any] = {}
        self.address = UNKNOWN
        self.phase, self.since = HEADER, loop.time()

    # called by the event loop

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport, self.flow = transport, Flow(transport)
        client = transport.get_extra_info("peername")
        self._scope = {
            "type": "http",
            "asgi": ASGI,
            "http_version": "1.1",
            "server": _pair(transport.get_extra_info("sockname")),
            "client": _pair(client),
            "scheme": "https" if transport.get_extra_info("sslcontext") else "http",
            "root_path": "",
        }
        self.address = self._connections.source(str(client[0])) if client else UNKNOWN
        self._state.connections.add(self)  # type: ignore[arg-type]
        if not self._connections.add(self):
            self._deaf = True
            transport.write(TOO_MANY)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.remove(self)
        self._state.connections.discard(self)
        if self._exchange is not None:
            self._exchange.lose()
        self.resume_writing()
        self._waiting, self._deaf = b"", True

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            self._taken += len(data)
            if self._ending is None:
                self.flow.pause_reading()
            else:
                self._ending.take(len(data))
            return
        self._read(self._waiting + data if self._waiting else data)

    def eof_received(self) -> bool:
        """Return True, to leave the connection open, if a request that came whole is still to be answered."""
        self._ended = True
        return self._body is None and self._owes_an_answer() and self._scope["scheme"] == "http"

    def pause_writing(self) -> None:
        self.flow.pause_writing()
        self._enter(ANSWER)

    def resume_writing(self) -> None:
        self.flow.resume_writing()
        if self.phase == ANSWER:
            self._enter(WORK if self._owes_an_answer() else BODY if self._body else IDLE)

    # called by uvicorn

    def shutdown(self) -> None:
        """Close the connection, or answer the request in work first."""
        if self._exchange is not None and not self._exchange.complete:
            self._exchange.keep_alive = False
        else:
            self._transport.close()

    # called by the exchange

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def default_headers(self) -> Sequence[Header]:
        return self._state.default_headers

    def answered(self) -> None:
        """Go on after an answer: throw away the rest of its body, read the next request, or close."""
        self._state.total_requests += 1
        if self._transport.is_closing():
            return
        if self._exchange is not None and not self._exchange.keep_alive:
            self._close()
            return
        self._go_on(BODY if self._body else IDLE)
        if self._waiting:
            self._read(self._waiting)
        if not self._owes_an_answer():
            if self._ended:
                self._close()
            else:
                self.flow.resume_reading()

    # reading

    def _read(self, data: bytes) -> None:
        self._waiting = b""
        try:
            while data and not self._deaf:
                if self._body is not None and self._exchange is not None:
                    data = self._read_body(self._exchange, self._body, data)
                elif self._owes_an_answer():
                    self._waiting = data
                    if len(data) > ENOUGH:
                        self.flow.pause_reading()
                    return
                else:
                    data = self._read_head(data)
        except RequestError as error:
            self._break_off(error)

    def _read_head(self, data: bytes) -> bytes:
        """Read a head, and its body if that has come too. Return the bytes after what was read."""
        match = heads.RIGHT.match(data)
        try:
            if match is None:
                if self.phase == IDLE:
                    self._enter(HEADER)
                heads.may_become_right(data)
                self._waiting = data
                return b""
            end = match.end()
            if end > MOST_HEAD:
                heads.refuse_long(match[0])
            head = heads.parse(match)
        except RequestError as error:
            self._refuse(error, *heads.head_of(match))
            return b""
        if head.upgrade:
            self._count_upgrade(head)
        length, self._taken, self._allowance = head.length, 0, Allowance()
        if length is not None and end + length <= len(data):  # nearly always
            self._begin(head, data[end : end + length], False)
            self._go_on(WORK)
            return data[end + length :]
        self._body = Chunks() if length is None else Sized(length)
        self._begin(head, b"", True)
        self._go_on(BODY)
        return data[end:]

    def _begin(self, head: RequestHead, body: bytes, more: bool) -> None:
        scope = self._scope | {
            "method": head.method,
            "path": head.path,
            "raw_path": head.raw_path,
            "query_string": head.query,
            "headers": list(head.fields.items()),
            ALLOW: self._allowance.grow,
        }
        self._start(Exchange(self, head, body, more), scope)

    def _start(self, exchange: Exchange, scope: dict[str, Any]) -> None:
        self._exchange = exchange
        task = self._loop.create_task(exchange.run(self._app, scope))
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)

    def _read_body(self, exchange: Exchange, body: Sized | Chunks, data: bytes) -> bytes:
        """Feed the body to the exchange. Return the bytes after it."""
        content, rest, done = body.feed(data)
        self._taken += len(data) - len(rest)
        if self._taken > self._allowance.size:
            raise RequestError(413, TOO_LARGE, f"expected a body of at most {ALLOWED.body:,} bytes, received much more.")
        exchange.feed(content, not done)
        if done:
            self._body = None
            self._go_on(IDLE if exchange.complete else WORK)
        elif exchange.size > ENOUGH and not exchange.complete:
            self.flow.pause_reading()
        return rest

    def _break_off(self, error: RequestError) -> None:
        """Refuse the request because of its body, and close."""
        self._deaf, self._taken = True, 0
        if self._exchange is not None and self._exchange.may_be_refused:
            self._exchange.refuse(error)
            self._go_on(WORK)
        elif not self._owes_an_answer():
            self._close()

    def _refuse(self, error: RequestError, method: str = "", path: str = "") -> None:
        """Have the application refuse a request that has no right head, and close."""
        self._deaf, self._taken, self._waiting = True, 0, b""
        self._go_on(WORK)
        scope = self._scope | {"method": method, "path": path, "raw_path": b"", "query_string": b"", "headers": [], REFUSAL: error}
        self._start(Exchange(self, None, b"", False, error), scope)

    def _count_upgrade(self, head: RequestHead) -> None:
        """Answer in HTTP/1.1, as RFC 9110 (7.8) allows. Java's client and `curl --http2` offer HTTP/2 in this way and accept that."""
        if not self._connections.upgrades:
            name = heads.shown(head.fields[b"upgrade"])
            logger.info("a request asked for the protocol %s and was answered in HTTP/1.1; further ones are counted, not logged", name)
        self._connections.upgrades += 1

    def _owes_an_answer(self) -> bool:
        return self._exchange is not None and not self._exchange.complete

    # ending

    def _go_on(self, phase: int) -> None:
        """Enter a phase, unless the caller does not take the answer before."""
        if self.phase != ANSWER:
            self._enter(phase)

    def _enter(self, phase: int) -> None:
        self.phase, self.since = phase, self._loop.time()

    def _close(self) -> None:
        """Close after the last answer. If the caller may still send, read on for a while."""
        says_the_end = self._transport.can_write_eof()  # not with TLS: a caller who sends nothing would wait for it
        unread = self._body or self._waiting or self.flow.paused or (self._deaf and (says_the_end or self._taken))
        self._deaf, self._waiting = True, b""
        if unread and not self._ended:
            self._enter(CLOSING)
            self._ending = Ending(self._transport, self._loop, self._connections.body_seconds)
            self.flow.resume_reading()
        else:
            self._transport.close()

    def look(self, now: float) -> None:
        waited, may = now - self.since, self._connections
        if self.phase == HEADER and waited > may.header_seconds:
            self._end("header")
        elif self.phase == BODY and waited > may.body_seconds * self._allowance.patience and not self.flow.paused:
            self._end("body")
        elif self.phase == ANSWER and waited > may.body_seconds:
            may.timed_out["answer"] += 1
            self._transport.abort()  # close would wait until the caller has read everything
        elif (self.phase == IDLE and waited > may.keep_alive_seconds) or (self.phase == CLOSING and waited > may.body_seconds):
            if self._transport.is_closing():
                self._transport.abort()
            else:
                self._transport.close()

    def _end(self, what: str) -> None:
        self._connections.timed_out[what] += 1
        if self._transport.is_closing():
            self._transport.abort()
        elif what == "header" and self._waiting:
            self._refuse(late())
        elif what == "body":
            self._break_off(late())
        else:
            self._deaf = True
            self._transport.write(TOO_SLOW)
            self._transport.close()


def _pair(address: Any) -> tuple[str, int] | None:
    return (str(address[0]), int(address[1])) if address else None
