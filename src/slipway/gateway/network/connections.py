"""Limits of open connections: their number, and the seconds that a caller may take for a header, a body or an answer.

uvicorn has no time-outs for these. A look over all connections every half second costs less than a timer for each request.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from slipway.access.networks import network_of
from slipway.gateway.bodies.sizes import ALLOWED
from slipway.gateway.network.corking import Corked

LOOK_EVERY = 0.5
# Longer than callers keep a connection for reuse, so that the caller closes it: a request that is sent into a closing connection is lost.
KEEP_ALIVE = 75
MOST_HEAD = 32 * 1024  # bytes of a header, beside those of one read; uvicorn has no limit
SURPLUS = 4  # times the largest body: a limit for the overhead of chunks and for the trailer
IDLE, HEADER, BODY, WORK, ANSWER = range(5)
UNKNOWN = "?"


def _raw(status: bytes, code: bytes, message: bytes) -> bytes:
    body = b'{"error_code":"%s","message":"%s"}' % (code, message)
    return b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nretry-after: 1\r\nconnection: close\r\n\r\n%s" % (
        status,
        len(body),
        body,
    )


TOO_MANY = _raw(b"503 Service Unavailable", b"TEMPORARILY_UNAVAILABLE", b"there are too many connections; close some, or try again later.")
TOO_LONG = _raw(b"431 Request Header Fields Too Large", b"REQUEST_TOO_LARGE", b"the header of the request is too long.")
TOO_SLOW = _raw(b"408 Request Timeout", b"REQUEST_TIMEOUT", b"the request did not arrive in time; send it again without pauses.")


@dataclass
class Connections:
    """The connections of one worker, on all its ports, and their limits."""

    most: int = 4_096
    most_per_address: int = 512
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    open: set[WatchedProtocol] = field(default_factory=set)
    per_address: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    timed_out: Counter[str] = field(default_factory=Counter)

    def add(self, connection: WatchedProtocol) -> bool:
        """Count a connection; return False if there are too many, in all or from its address."""
        if len(self.open) >= self.most or self.per_address[connection.address] >= self.most_per_address:
            self.refused += 1
            return False
        self.open.add(connection)
        self.per_address[connection.address] += 1
        return True

    def remove(self, connection: WatchedProtocol) -> None:
        if connection in self.open:
            self.open.remove(connection)
            self.per_address[connection.address] -= 1
            if not self.per_address[connection.address]:
                del self.per_address[connection.address]

    async def watch(self) -> None:
        """Close connections that take too long, until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(min(LOOK_EVERY, self.header_seconds / 4, self.body_seconds / 4))
            for connection in list(self.open):
                connection.look(now())


class WatchedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with the phase of its request and since when. `watched` sets `connections_of_worker`."""

    connections_of_worker: Connections
    address: str = UNKNOWN
    phase = HEADER
    since = 0.0
    taken = 0  # bytes of the header, or of the body, so far

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.since = self.loop.time()
        self.address = network_of(self.client[0]) if self.client else UNKNOWN
        if not self.connections_of_worker.add(self):
            transport.write(TOO_MANY)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections_of_worker.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():  # a refused connection is not parsed
            return
        super().data_received(data)
        if self.phase in (HEADER, BODY):
            self.taken += len(data)
            if self.phase == HEADER and self.taken > MOST_HEAD:
                self._refuse_long_header()
            elif self.taken > MOST_HEAD + SURPLUS * ALLOWED.body:
                self.connections_of_worker.refused += 1
                self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.phase, self.since, self.taken = HEADER, self.loop.time(), 0

    def on_headers_complete(self) -> None:
        self.phase, self.since, self.taken = BODY, self.loop.time(), 0
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:  # a request for another protocol has no cycle
            corked = Corked(self.transport)
            self.cycle.transport = corked  # type: ignore[assignment]
            self.cycle.on_response = corked.then(self.cycle.on_response)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._enter(IDLE if self.cycle.response_complete else WORK)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.phase == WORK:
            self._enter(IDLE)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._enter(ANSWER)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.phase == ANSWER:
            self._enter(IDLE if self.cycle is None or self.cycle.response_complete else WORK)

    def _enter(self, phase: int) -> None:
        self.phase, self.since = phase, self.loop.time()

    def look(self, now: float) -> None:
        """End the connection if the caller is late."""
        waited, may = now - self.since, self.connections_of_worker
        if self.phase == HEADER and waited > may.header_seconds:
            self._end("header")
        elif self.phase == BODY and waited > may.body_seconds and not self.flow.read_paused:
            self._end("body")
        elif self.phase == ANSWER and waited > may.body_seconds:
            self._end("answer")
        elif self.phase == IDLE and waited > KEEP_ALIVE + 1:  # any byte stops uvicorn's own timer, also one that begins no request
            self._end("idle")

    def _refuse_long_header(self) -> None:
        self.connections_of_worker.refused += 1
        if not self._owes_an_answer():
            self.transport.write(TOO_LONG)
        self.transport.close()

    def _owes_an_answer(self) -> bool:
        """Return whether an earlier request of the connection is still in work."""
        return self.cycle is not None and not self.cycle.response_complete

    def _end(self, what: str) -> None:
        self.connections_of_worker.timed_out[what] += 1
        if (what == "header" and not self._owes_an_answer()) or (what == "body" and not self.cycle.response_started):
            self.transport.write(TOO_SLOW)
        if what == "answer" or self.transport.is_closing():
            self.transport.abort()  # close would wait until the caller has read everything
        else:
            self.transport.close()


def watched(connections: Connections) -> type[WatchedProtocol]:
    """Return a protocol class that counts in `connections`; uvicorn makes one instance for each connection."""
    return type("WatchedProtocol", (WatchedProtocol,), {"connections_of_worker": connections})
