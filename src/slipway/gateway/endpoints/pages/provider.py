"""Signing in at an OIDC provider: to it with a state that only this browser has, and back with a code."""

from __future__ import annotations

import base64
import logging
import time

import msgspec

from slipway.access.oidc.authorization import Attempt, CodeFlow
from slipway.access.refusals import AccessError, UnauthenticatedError
from slipway.gateway.endpoints.browser.addresses import local, origin, root, secure
from slipway.gateway.endpoints.browser.cookies import FORM, PROVIDER, SESSION, cookie, remove_cookie, set_cookie
from slipway.gateway.endpoints.browser.form_tokens import is_signed, signed
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import HTML, ShownError
from slipway.gateway.endpoints.browser.sign_in_form import sign_in_form
from slipway.gateway.endpoints.pages.front import query_value
from slipway.gateway.endpoints.sessions import log_act
from slipway.gateway.network.headers import PAGE
from slipway.gateway.parts import Parts
from slipway.gateway.replies import NOT_FOUND, Reply, RequestError
from slipway.gateway.routing import Call
from slipway.pages.rendering import FieldError
from slipway.pages.texts import text

MINUTES = 10

logger = logging.getLogger(__name__)


class Kept(msgspec.Struct, frozen=True):
    """What the browser keeps while its person is at the provider, and until when it is good."""

    attempt: Attempt
    wanted: str
    until: float


async def go_to_provider(parts: Parts, call: Call) -> Reply:
    """Send the browser to the provider."""
    request, flow, attempt = call.request, _flow(parts), Attempt.new()
    kept = Kept(attempt, local(query_value(request, "next")), time.time() + MINUTES * 60)
    content = base64.urlsafe_b64encode(msgspec.json.encode(kept)).decode()
    value = f"{content}.{await signed(parts, content)}"
    try:
        address = await flow.begin(attempt, _back(parts, call))
    except AccessError as error:
        raise await _refused(parts, call, error) from None
    tls = secure(parts, request)
    return Reply(303, b"", HTML, ((b"location", address.encode()), set_cookie(PROVIDER, value, secure=tls, seconds=MINUTES * 60)), PAGE)


async def return_from_provider(parts: Parts, call: Call) -> Reply:
    """Open a session for the person whom the provider has identified."""
    request, flow, tls = call.request, _flow(parts), secure(parts, call.request)
    try:
        kept = await _kept(parts, call)
        if query_value(request, "iss") not in ("", flow.issuer):
            raise UnauthenticatedError("another provider has answered. Sign in again.")
        if not (code := query_value(request, "code")):
            raise UnauthenticatedError("the provider did not sign this person in. Sign in again.")
        caller = await flow.finish(code, kept.attempt, _back(parts, call))
    except AccessError as error:
        raise await _refused(parts, call, error) from None
    value = await parts.gatekeeper.pages.open_for(caller, request.address)
    await log_act(parts.log, str(caller), "signed in", request.address)
    gone = [remove_cookie(name, secure=tls) for name in (PROVIDER, FORM)]
    address = f"{root(request)}{kept.wanted}".encode()
    return Reply(303, b"", HTML, ((b"location", address), set_cookie(SESSION, value, secure=tls), *gone), PAGE)


def _flow(parts: Parts) -> CodeFlow:
    if parts.gatekeeper.at_provider is None:
        raise RequestError(404, NOT_FOUND, "no provider is set at which people sign in; SLIPWAY_OIDC_CLIENT_ID names the gateway there.")
    return parts.gatekeeper.at_provider


def _back(parts: Parts, call: Call) -> str:
    return f"{origin(parts, call.request)}{root(call.request)}/sign-in/callback"


async def _kept(parts: Parts, call: Call) -> Kept:
    """Return what this browser kept for the state that came back.

    Raises:
        UnauthenticatedError: It kept nothing, too long, or for another state: somebody else may have begun this sign-in.
    """
    content, _, seal = cookie(call.request, PROVIDER, secure=secure(parts, call.request)).partition(".")
    if content and await is_signed(parts, content, seal):
        kept = msgspec.json.decode(base64.urlsafe_b64decode(content), type=Kept)
        if time.time() < kept.until and query_value(call.request, "state") == kept.attempt.state:
            return kept
    raise UnauthenticatedError("this sign-in was not begun in this browser, or took too long. Sign in again.")


async def _refused(parts: Parts, call: Call, error: AccessError) -> ShownError:
    """Return the error with the sign-in form. The log says why, because only the operator can change it."""
    logger.warning("nobody was signed in at the provider: %s", error)
    key = "sign_in.provider_refused" if isinstance(error, UnauthenticatedError) else "sign_in.provider_silent"
    message = FieldError("", text(language_of(parts, call.request), key))
    page = await sign_in_form(parts, call, status=error.status, errors=[message])
    refused = RequestError(error.status, error.code, str(error), headers=error.headers)
    return ShownError(refused, page.with_headers((*error.headers, remove_cookie(PROVIDER, secure=secure(parts, call.request)))))
