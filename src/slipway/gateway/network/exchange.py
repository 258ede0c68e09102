"""One request and its answer, between the connection and the application (ASGI).

An answer is one write: two would wake the caller for half an answer, and then again. Only a file is sent part by part.
"""

from __future__ import annotations

import asyncio
import http
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from slipway.gateway.network.flow import Flow
from slipway.gateway.network.heads import RequestHead
from slipway.gateway.replies import Header, RequestError

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in http.HTTPStatus}

logger = logging.getLogger(__name__)
Message = dict[str, Any]


class Wire(Protocol):
    """What an exchange needs of its connection."""

    flow: Flow

    def write(self, data: bytes) -> None: ...
    def answered(self) -> None: ...
    def default_headers(self) -> Sequence[Header]: ...


class Exchange:
    """A request whose head has been read. The connection feeds the body; the application receives it and sends the answer.

    `keep_alive`: the connection goes on after the answer. `complete`: the answer has been sent. `size`: bytes of the body that wait for the
    application.
    """

    __slots__ = (
        *("_arrival", "_begun", "_body", "_chunked", "_error", "_expects", "_wire", "_more", "_old", "_silent", "_start"),
        *("complete", "gone", "keep_alive", "size"),
    )

    def __init__(self, wire: Wire, head: RequestHead | None, body: bytes, more: bool, error: RequestError | None = None) -> None:
        """Begin with the part of the body that came together with the head. A head that was refused is None."""
        self._wire, self._error, self._more = wire, error, more
        self._body, self.size = [body] if body else [], len(body)
        self._arrival: asyncio.Future[None] | None = None
        self._start: Message = {}
        self.complete = self.gone = self._begun = self._chunked = False
        if head is None:
            self._old = self._silent = self._expects = self.keep_alive = False
        else:
            self._old, self._silent, self.keep_alive = head.old, head.method == "HEAD", head.keep_alive
            self._expects = head.expects and not body

    @property
    def may_be_refused(self) -> bool:
        """Return whether no answer has been sent, and no other error."""
        return not self.complete and self._error is None

    def feed(self, body: bytes, more: bool) -> None:
        """Take the next part of the body. After the answer, it is thrown away."""
        self._more = more
        if self.complete:
            return
        if body:
            self._body.append(body)
            self.size += len(body)
            self._expects = False
        self._wake()

    def refuse(self, error: RequestError) -> None:
        """Raise an error where the application reads the body, and close the connection after the answer."""
        self._error, self.keep_alive = error, False
        self._wake()

    def lose(self) -> None:
        """Note that the connection has ended."""
        self.gone = True
        self._wake()

    async def run(self, app: Callable[[Any, Any, Any], Awaitable[None]], scope: Message) -> None:
        try:
            await app(scope, self.receive, self.send)
        except RequestError as error:  # raised by `receive`, and not handled by the application
            if self._begun:
                logger.error("an answer ended before its end: %s", error)
            else:
                reply = error.reply()
                length = (b"content-length", b"%d" % len(reply.body))
                await self._answer(reply.status, [(b"content-type", reply.content_type), length, *reply.headers], reply.body)
        except Exception:
            logger.exception("a request failed")
        if not self.complete and not self.gone:
            self.complete, self.keep_alive = True, False
            self._wire.answered()

    async def receive(self) -> Message:
        """Return the part of the body that has come, or wait for one.

        Raises:
            RequestError: The body is broken, or late.
        """
        if self._expects:
            self._expects = False
            self._wire.write(CONTINUE)
        if not self._body and self._more and not self.gone and self._error is None:
            self._wire.flow.resume_reading()
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        if self._error is not None:
            raise self._error
        if self.gone or self.complete:
            return {"type": "http.disconnect"}
        body, self._body, self.size = b"".join(self._body), [], 0
        return {"type": "http.request", "body": body, "more_body": self._more}

    async def send(self, message: Message) -> None:
        """Keep the head of the answer, and write it together with the first part of the body, which is nearly always the whole body."""
        if message["type"] == "http.response.start":
            self._start = message
        elif self._start:
            start, self._start = self._start, {}
            await self._answer(start["status"], start["headers"], message["body"], message.get("more_body", False))
        else:
            await self._go_on(message["body"], message.get("more_body", False))

    async def _go_on(self, body: bytes, more: bool) -> None:
        """Write another part of the body, when the caller has taken those before.

        Raises:
            ConnectionResetError: The caller is gone, so that nobody needs the rest.
        """
        await self._wire.flow.writable()
        if self.gone:
            raise ConnectionResetError
        if self.complete:
            return
        if not self._silent:
            self._wire.write(self._framed(body, more))
        self._end(more)

    def _framed(self, body: bytes, more: bool) -> bytes:
        """Return a part of the body as it is written: as a chunk, if its length is not known before (RFC 9112, 7.1)."""
        if not self._chunked:
            return body
        chunk = b"".join((b"%x\r\n" % len(body), body, b"\r\n")) if body else b""  # an empty chunk would be the end
        return chunk if more else chunk + b"0\r\n\r\n"

    def _end(self, more: bool) -> None:
        if not more:
            self.complete = True
            self._wire.answered()

    async def _answer(self, status: int, headers: Sequence[Header], body: bytes, more: bool = False) -> None:
        await self._wire.flow.writable()
        if self.gone or self.complete:
            return
        if self._expects and self._more:  # the caller may or may not send its body now, so what follows has no certain meaning
            self.keep_alive = False
        self._begun = True
        if more and not any(name == b"content-length" for name, _ in headers):
            self._chunked, self.keep_alive = not self._old, self.keep_alive and not self._old  # to HTTP/1.0, the end of it ends the body
            headers = [*headers, (b"transfer-encoding", b"chunked")] if self._chunked else headers
        parts = [STATUS_LINES[status]]
        for name, value in (*self._wire.default_headers(), *headers):
            parts += (name, b": ", value, b"\r\n")
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        elif self._old:
            parts.append(b"connection: keep-alive\r\n")
        parts.append(b"\r\n")
        if not self._silent:
            parts.append(self._framed(body, more))
        self._wire.write(b"".join(parts))
        self._end(more)

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)
