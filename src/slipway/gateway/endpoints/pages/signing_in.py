"""Signing in with name, password and code on one form, and signing out.

One form, because then an attempt is right or wrong as a whole: nobody learns which part was wrong, nothing is remembered between two steps,
and a password manager fills all three fields.
"""

from __future__ import annotations

from functools import partial

from slipway.access.recovery_codes import digest_of
from slipway.access.refusals import AccessError, LockedOutError, UnauthenticatedError
from slipway.gateway.endpoints.browser.addresses import local, secure
from slipway.gateway.endpoints.browser.admission import find_session
from slipway.gateway.endpoints.browser.cookies import FORM, SESSION, remove_cookie, set_cookie
from slipway.gateway.endpoints.browser.kept_forms import of_person
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import ShownError, redirect, show
from slipway.gateway.endpoints.browser.sign_in_form import sign_in_form
from slipway.gateway.endpoints.pages.front import query_value
from slipway.gateway.endpoints.pages.waiting import waiting
from slipway.gateway.endpoints.sessions import log_act
from slipway.gateway.parts import Parts
from slipway.gateway.replies import BAD_REQUEST, Reply, RequestError
from slipway.gateway.routing import Call
from slipway.pages.languages import Language
from slipway.pages.rendering import FieldError
from slipway.pages.texts import text


async def sign_in_page(parts: Parts, call: Call) -> Reply:
    await find_session(parts, call)
    wanted = local(query_value(call.request, "next"))
    if call.session:
        return redirect(call.request, wanted)
    return await sign_in_form(parts, call, wanted=wanted)


async def sign_in(parts: Parts, call: Call) -> Reply:
    """Open a session, under a new cookie: one that the browser had before is worth nothing."""
    request, form = call.request, call.form
    name, wanted = form.get("name").strip(), local(form.get("next"))
    language = language_of(parts, request)
    missing = [
        FieldError(field, text(language, message))
        for field, message, sent in (("name", "sign_in.no_name", name), ("password", "sign_in.no_password", form.get("password")))
        if not sent
    ]
    again = partial(sign_in_form, parts, call, wanted=wanted, name=name, kept=form.get("kept"))
    if missing:
        refused = RequestError(400, BAD_REQUEST, "expected a user name and a password.")
        raise ShownError(refused, await again(status=400, errors=missing))
    code = "".join(form.get("code").split()) or None
    try:
        cookie, user = await parts.gatekeeper.open_page_session(name, form.get("password"), code, request.address)
    except AccessError as error:
        page = await again(status=error.status, errors=[FieldError("", _explained(error, language))])
        refused = RequestError(error.status, error.code, str(error), headers=error.headers)
        raise ShownError(refused, page.with_headers(error.headers)) from None
    recovered = user.second_factor is not None and digest_of(code or "") is not None
    await log_act(parts.log, f"user:{name}", "signed in with a recovery code" if recovered else "signed in", request.address)
    tls = secure(parts, request)
    if call.session:
        await parts.gatekeeper.pages.end(call.session.id, call.session.caller)
    former = await of_person(parts, call, name)
    headers = (set_cookie(SESSION, cookie, secure=tls), remove_cookie(FORM, secure=tls))
    if former and user.second_factor:
        call.cookie = cookie
        await find_session(parts, call)
        return await show(parts, call, "kept_form.html", headers=headers, path="/", action=former.path, fields=former.fields)
    wanted = "/account?done=recovery_used" if recovered else wanted
    return redirect(request, wanted, *headers)


async def sign_out(parts: Parts, call: Call) -> Reply:
    """End this session."""
    if call.session:
        await parts.gatekeeper.pages.end(call.session.id, call.session.caller)
        await log_act(parts.log, str(call.session.caller), "signed out", call.request.address)
    return redirect(call.request, "/sign-in", remove_cookie(SESSION, secure=secure(parts, call.request)))


def _explained(error: AccessError, language: Language) -> str:
    """Return the message for a refused attempt."""
    if isinstance(error, LockedOutError):
        return waiting(error, language)
    if isinstance(error, UnauthenticatedError):
        return text(language, "sign_in.wrong")
    return text(language, "sign_in.unavailable")
