"""One request: its header, and its body up to the limit of bytes."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from slipway.gateway.bodies import codings
from slipway.gateway.bodies.sizes import ALLOWED
from slipway.gateway.replies import TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, RequestError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ALLOW = "slipway.allow"  # in a scope: the function that lets the body of its request be larger, and take longer
THROWN_AWAY = 4  # times the largest body: what a browser may send on before it reads that its file is too large
REFUSAL = "slipway.refusal"  # in a scope: the error that refuses a request whose head is not right


class CallerGone(Exception):  # noqa: N818
    """The caller closed the connection before the request was complete, so nobody waits for a reply."""


def _as_usual(_: int) -> None:
    """Allow nothing more: for a server that has no limits of its own."""


def _request_id() -> str:
    """Return an id that begins with the time, so that the log's index grows at its end."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(6)}"


@dataclass(slots=True)
class Request:
    """One request.

    `path` is the path on the main port, also for a request to a model's own port. `headers` are by lower-case name; `address` is the
    caller's, empty if the server does not know it; `refusal` is the error that its head deserves; `base` is the URL before the path that
    the caller used, as far as a trusted proxy says so; `query` is what follows the question mark; `allow` has the connection take more.
    """

    method: str
    path: str
    headers: dict[bytes, bytes]
    receive: Receive
    address: str = ""
    own_port: bool = False
    refusal: RequestError | None = None
    base: str = ""
    query: bytes = b""
    allow: Callable[[int], None] = _as_usual
    id: str = field(default_factory=_request_id)
    arrived: float = field(default_factory=time.time)
    started: float = field(default_factory=time.perf_counter)

    @property
    def content_type(self) -> str:
        return self.headers.get(b"content-type", b"").decode("latin-1")

    @property
    def version(self) -> str:
        """The version that is to answer while a challenger is tried; "" if either may."""
        return self.headers.get(b"x-slipway-version", b"").decode("latin-1").strip()

    def refuse_large(self) -> None:
        """Raise 413 if Content-Length is above the limit, before any of the body is read."""
        length = self.headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > ALLOWED.body:
            raise _too_large(ALLOWED.body)

    async def body(self, most: int | None = None) -> bytes:
        """Read the body, up to `most` bytes, or up to the limit of the settings. A body in gzip or deflate is decoded.

        Raises:
            RequestError: 413, the body is larger, as it came or decoded. The default limit is 10 MiB. 415: it has another coding. 400: it
                is not in its coding.
            CallerGone: The connection was closed before the end of the body.
        """
        most = most or ALLOWED.body
        if (field := self.headers.get(b"content-encoding")) and (coding := codings.coding_of(field)):
            return await codings.decoded(await self._read(most), coding, most)
        return await self._read(most)

    async def parts(self, most: int, too_large: RequestError) -> AsyncIterator[bytes]:
        """Yield the parts of a large body as they come, up to `most` bytes in all. It may take longer in proportion.

        Raises:
            RequestError: `too_large`, the body is larger; 415, it has a coding.
            CallerGone: The connection was closed before the end of the body.
        """
        if (field := self.headers.get(b"content-encoding")) and codings.coding_of(field):
            raise RequestError(415, UNSUPPORTED_MEDIA_TYPE, "Content-Encoding: expected a form as it is; send the body without it.")
        self.allow(THROWN_AWAY * most)
        length = self.headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > most:
            raise too_large
        size, more = 0, True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise CallerGone
            size += len(message.get("body", b""))
            if size > most:
                raise too_large
            yield message.get("body", b"")
            more = message.get("more_body", False)

    async def _read(self, most: int) -> bytes:
        parts, size, more = [], 0, True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise CallerGone
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > most:
                raise _too_large(most)
            more = message.get("more_body", False)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(most: int) -> RequestError:
    return RequestError(413, TOO_LARGE, f"expected a body of at most {most:,} bytes, received more; send the rows in several requests.")
