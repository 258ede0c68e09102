"""The language of a request: the one chosen on a page, else the one that the browser prefers."""

from __future__ import annotations

from slipway.gateway.endpoints.browser.addresses import secure
from slipway.gateway.endpoints.browser.cookies import LANGUAGE, cookie
from slipway.gateway.parts import Parts
from slipway.gateway.request import Request
from slipway.pages.languages import Language, as_language, preferred


def language_of(parts: Parts, request: Request) -> Language:
    chosen = as_language(cookie(request, LANGUAGE, secure=secure(parts, request)))
    return chosen or preferred(request.headers.get(b"accept-language", b"").decode("latin-1"))
