"""Only this machine's own pages may call the local Prefect and MLflow servers, which ask nobody who they are.

Any page that a person opens can make the browser send requests to a port of this machine. A request that changes something needs no
permission of CORS if its content type is that of a form, and with DNS rebinding (the page's own name is resolved to 127.0.0.1) even the
answers can be read. So the name in `Host` must be one of this machine's, and an `Origin` must have the port that is called.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
REFUSED = 403

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class OwnPagesOnly:
    """ASGI middleware that refuses requests and web sockets with a foreign Host or Origin, whatever their method and content type."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or not (why := refusal(scope["headers"])):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": why})  # before it is accepted, which is answered with 403
        else:
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": REFUSED, "headers": headers})
            await send({"type": "http.response.body", "body": f"{why}\n".encode()})


def refusal(headers: list[tuple[bytes, bytes]]) -> str:
    """Return why a request with these headers is refused; "" if it is not."""
    hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
    origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    called = _named(f"//{hosts[0]}") if len(hosts) == 1 else None
    if called is None:
        return f"expected one Host header that names this machine ({', '.join(LOOPBACK_NAMES)}), received {', '.join(hosts) or 'none'}"
    for origin in origins:
        if _named(origin) != called:
            return f"expected a request of this server's own page, received one of {origin}"
    return ""


def _named(address: str) -> int | None:
    """Return the port of an address of this machine; None if it is of another, or no address."""
    try:
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    return port if parts.hostname in LOOPBACK_NAMES and parts.username is None else None
