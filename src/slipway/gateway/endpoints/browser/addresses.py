"""Addresses as a browser sees them: of this gateway, perhaps behind a reverse proxy, and of the page to return to."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from slipway.gateway.parts import Parts
from slipway.gateway.request import Request

LONGEST = 2_000
LOCAL = re.compile(r"/(?![/\\])[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*")


def secure(parts: Parts, request: Request) -> bool:
    """Return whether the browser speaks TLS, with the gateway or with a trusted proxy before it."""
    return request.base.startswith("https://") if "://" in request.base else parts.certificate is not None


def origin(parts: Parts, request: Request) -> str:
    """Return the origin of the gateway's own pages, such as `https://example.org`."""
    if "://" in request.base:
        url = urlsplit(request.base)
        return f"{url.scheme}://{url.netloc}".lower()
    scheme = "https" if secure(parts, request) else "http"
    return f"{scheme}://{request.headers.get(b'host', b'').decode('latin-1')}".lower()


def root(request: Request) -> str:
    """Return the path under which a trusted proxy shows the gateway, usually ""."""
    return urlsplit(request.base).path if "://" in request.base else request.base


def own_address(request: Request) -> str:
    """Return path and query of a request, as `local` accepts them."""
    query = request.query.decode("latin-1")
    return local(quote(request.path, safe="/:@!$&'()*+,;=~-._") + (f"?{query}" if query else ""))


def local(address: str) -> str:
    """Return an address to go to next, or "/" if it would lead to another site: it came with the request, so anyone may have written it."""
    return address if len(address) <= LONGEST and LOCAL.fullmatch(address) else "/"
