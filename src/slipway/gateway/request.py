"""One request: its head, and its body within the limit of bytes."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from slipway.gateway.bodies.sizes import ALLOWED
from slipway.gateway.replies import TOO_LARGE, RequestError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class CallerGone(Exception):  # noqa: N818
    """The caller closed the connection before its request was whole; there is nobody to answer."""


def _request_id() -> str:
    """Begins with the time, so that the log's index grows at its end."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(6)}"


@dataclass(slots=True)
class Request:
    """One request.

    `path` is the one on the main port, also where the request came to a model's own port. `headers` are by lower-case name;
    `address` is the caller's, empty when the server does not know it.
    """

    method: str
    path: str
    headers: dict[bytes, bytes]
    receive: Receive
    address: str = ""
    own_port: bool = False
    id: str = field(default_factory=_request_id)
    arrived: float = field(default_factory=time.time)
    started: float = field(default_factory=time.perf_counter)

    @property
    def content_type(self) -> str:
        return self.headers.get(b"content-type", b"").decode("latin-1")

    def refuse_large(self) -> None:
        """Raise 413 when the caller says that its body is beyond the limit, before any of it is read."""
        length = self.headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > ALLOWED.body:
            raise _too_large(ALLOWED.body)

    async def body(self, most: int | None = None) -> bytes:
        """Read the body, and no more than `most` bytes; the limit of the settings if left out.

        Raises:
            RequestError: 413, the body is larger than the settings allow, 10 MiB unless they say otherwise.
            CallerGone: The connection was closed before its end.
        """
        body, most = bytearray(), most or ALLOWED.body
        more = True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise CallerGone
            body += message.get("body", b"")
            if len(body) > most:
                raise _too_large(most)
            more = message.get("more_body", False)
        return bytes(body)


def _too_large(most: int) -> RequestError:
    return RequestError(413, TOO_LARGE, f"expected a body of at most {most:,} bytes, received more; send the rows in several requests.")
