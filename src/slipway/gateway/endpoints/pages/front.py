"""The first page, and what belongs to all pages: the style sheet and the choice of the language."""

from __future__ import annotations

from urllib.parse import parse_qs

from slipway.gateway.endpoints.browser.addresses import local, secure
from slipway.gateway.endpoints.browser.cookies import LANGUAGE, YEAR, set_cookie
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import redirect, show
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Reply
from slipway.gateway.request import Request
from slipway.gateway.routing import Call
from slipway.pages.languages import as_language
from slipway.pages.prediction.words import Vocabulary
from slipway.pages.styles import style_hash, style_sheet


async def front_page(parts: Parts, call: Call) -> Reply:
    """Answer with what this person may do."""
    caller, language = call.caller, language_of(parts, call.request)
    models = []
    for name in parts.fleet.models():
        deployment = parts.fleet.find(name)
        if caller and caller.sees(name) and deployment:
            words = Vocabulary(deployment.contract, deployment.words, language)
            models.append({"name": name, "words": words, "predicts": caller.may("predict", name)})
    return await show(parts, call, "front.html", models=models)


async def style(_: Parts, call: Call) -> Reply:
    current = query_value(call.request, "v") == style_hash()
    lifetime = b"public, max-age=31536000, immutable" if current else b"no-cache"
    return Reply(200, style_sheet(), b"text/css; charset=utf-8", security=((b"cache-control", lifetime),))


async def choose_language(parts: Parts, call: Call) -> Reply:
    """Keep a language for this browser, and return to the page that showed the link."""
    request = call.request
    language = as_language(query_value(request, "to"))
    back = local(query_value(request, "next"))
    if language is None:
        return redirect(request, back)
    return redirect(request, back, set_cookie(LANGUAGE, language, secure=secure(parts, request), seconds=YEAR))


def query_value(request: Request, name: str) -> str:
    """Return the last value of a name in the query, "" if there is none."""
    return parse_qs(request.query.decode("latin-1"), max_num_fields=20).get(name, [""])[-1]
