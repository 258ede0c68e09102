"""Setting up a second factor at the first sign-in: a QR code, a code that confirms it, ten recovery codes."""

from __future__ import annotations

from collections.abc import Sequence

from slipway.access import second_factor
from slipway.access.page_sessions import PageSession
from slipway.access.users import UnknownUserError
from slipway.gateway.endpoints.browser.addresses import secure
from slipway.gateway.endpoints.browser.admission import find_session
from slipway.gateway.endpoints.browser.cookies import SESSION, set_cookie
from slipway.gateway.endpoints.browser.form_tokens import is_sealed, sealed
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import ShownError, redirect, show
from slipway.gateway.endpoints.pages.session import session_of
from slipway.gateway.endpoints.sessions import log_act
from slipway.gateway.parts import Parts
from slipway.gateway.replies import BAD_REQUEST, Header, Reply, RequestError
from slipway.gateway.routing import Call
from slipway.pages.qr import qr_code
from slipway.pages.rendering import FieldError
from slipway.pages.texts import text


async def second_factor_page(parts: Parts, call: Call) -> Reply:
    session = session_of(call)
    if session.second_factor:
        return redirect(call.request, "/account")
    return await _form(parts, call, session, second_factor.new_secret())


async def set_up_second_factor(parts: Parts, call: Call) -> Reply:
    """Store the secret of the form, once a code has shown that the app has it. The session goes on under a new cookie."""
    session, form, language = session_of(call), call.form, language_of(parts, call.request)
    if session.second_factor:
        return redirect(call.request, "/account")
    secret = form.get("secret")
    if not await is_sealed(parts, call, secret, form.get("seal")):
        return redirect(call.request, "/second-factor")
    code = "".join(form.get("code").split())
    address = call.request.address
    try:
        done = await parts.gatekeeper.pages.set_up_second_factor(session, secret, code, address)
    except UnknownUserError:
        return redirect(call.request, "/sign-in")
    if done is None:
        error = FieldError("code", text(language, "second_factor.wrong"))
        page = await _form(parts, call, session, secret, [error], 400)
        raise ShownError(RequestError(400, BAD_REQUEST, "expected the code that the authenticator app shows now."), page)
    call.cookie, codes = done
    await find_session(parts, call)
    await log_act(parts.log, str(session.caller), "set up second factor", address)
    return await codes_page(parts, call, codes, set_cookie(SESSION, call.cookie, secure=secure(parts, call.request)))


async def codes_page(parts: Parts, call: Call, codes: list[str], *headers: Header) -> Reply:
    """Show recovery codes, this once."""
    return await show(parts, call, "recovery_codes.html", headers=headers, codes=codes)


async def _form(parts: Parts, call: Call, session: PageSession, secret: str, errors: Sequence[FieldError] = (), status: int = 200) -> Reply:
    uri = second_factor.provisioning_uri(session.caller.name, secret)
    return await show(
        parts,
        call,
        "second_factor.html",
        status=status,
        errors=errors,
        secret=secret,
        spaced=" ".join(secret[place : place + 4] for place in range(0, len(secret), 4)),
        seal=await sealed(parts, call, secret),
        qr=qr_code(uri),
    )
