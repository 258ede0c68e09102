"""Pages as replies."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

from slipway.gateway.endpoints.browser.addresses import own_address, root
from slipway.gateway.endpoints.browser.form_tokens import form_token
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.navigation import links_of
from slipway.gateway.network.headers import PAGE
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Header, Reply, RequestError
from slipway.gateway.request import Request
from slipway.gateway.routing import Call
from slipway.pages.rendering import View, environment, render

HTML = b"text/html; charset=utf-8"
LARGE = 20_000  # bytes; the pages that show secrets are smaller


class ShownError(RequestError):
    """A refused request, and the page that shows the reader what is wrong, such as the form with its errors."""

    def __init__(self, error: RequestError, page: Reply) -> None:
        super().__init__(error.status, error.code, str(error), headers=error.headers, violations=error.violations, total=error.total)
        self.page = page


async def show(
    parts: Parts, call: Call, template: str, *, status: int = 200, headers: tuple[Header, ...] = (), path: str = "", **values: Any
) -> Reply:
    """Return a page, in the reader's language and with the token for its forms.

    Args:
        path: The page's own address, if it is another than that of the request, such as after a form with errors.
        values: What the template shows.
    """
    token, cookies = await form_token(parts, call)
    return await _shown(parts, call, token, template, status, (*headers, *cookies), values, path)


async def show_without_forms(parts: Parts, call: Call, template: str, *, status: int, headers: tuple[Header, ...], **values: Any) -> Reply:
    """Return a page for a time when nobody can be identified."""
    call.session = None
    return await _shown(parts, call, "", template, status, headers, values)


async def _shown(
    parts: Parts,
    call: Call,
    token: str,
    template: str,
    status: int,
    headers: tuple[Header, ...],
    values: dict[str, Any],
    path: str = "",
) -> Reply:
    signed_in = call.caller if call.session else None
    view = View(
        language=language_of(parts, call.request),
        root=root(call.request),
        path=path or own_address(call.request),
        name=signed_in.name if signed_in else "",
        links=links_of(signed_in, call.request.path) if signed_in else (),
        form_token=token,
    )
    await asyncio.to_thread(environment)  # its first call imports Jinja2
    page, more = _compressed(call.request, render(template, view, **values))
    return Reply(status, page, HTML, (*headers, *more), PAGE)


def _compressed(request: Request, page: bytes) -> tuple[bytes, tuple[Header, ...]]:
    """Compress a large page, such as the form of a model with hundreds of columns, if the browser can read that."""
    accepted = request.headers.get(b"accept-encoding", b"").lower().replace(b" ", b"")
    if len(page) < LARGE or b"gzip" not in accepted or b"gzip;q=0" in accepted:
        return page, ()
    return gzip.compress(page, 5, mtime=0), ((b"content-encoding", b"gzip"), (b"vary", b"accept-encoding"))


def redirect(request: Request, address: str, *headers: Header) -> Reply:
    """Return the reply that sends the browser to another page of the gateway, with GET."""
    return Reply(303, b"", HTML, ((b"location", f"{root(request)}{address}".encode()), *headers), PAGE)


def wants_page(request: Request) -> bool:
    """Return whether a browser asks, which says that it takes HTML; a program gets its errors as JSON."""
    return b"text/html" in request.headers.get(b"accept", b"")
