"""A person's own page: open sessions, keys, recovery codes."""

from __future__ import annotations

from datetime import datetime

from slipway.access.callers import Grant
from slipway.access.refusals import LockedOutError, UnauthenticatedError
from slipway.gateway.endpoints.browser.addresses import secure
from slipway.gateway.endpoints.browser.cookies import SESSION, remove_cookie
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import ShownError, redirect, show
from slipway.gateway.endpoints.pages.front import query_value
from slipway.gateway.endpoints.pages.second_factor import codes_page
from slipway.gateway.endpoints.pages.session import session_of
from slipway.gateway.endpoints.pages.waiting import waiting
from slipway.gateway.endpoints.sessions import log_act
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Reply, RequestError
from slipway.gateway.routing import Call
from slipway.pages.moments import day, moment
from slipway.pages.rendering import FieldError
from slipway.pages.roles import in_words
from slipway.pages.texts import text

DONE = ("session_ended", "recovery_used")  # what the page may say on top, by the query `done`


async def account(parts: Parts, call: Call) -> Reply:
    return await _page(parts, call, [], 200)


async def end_session(parts: Parts, call: Call) -> Reply:
    """End one of this person's sessions, perhaps this one."""
    session, id = session_of(call), call.form.get("session")
    if await parts.gatekeeper.pages.end(id, session.caller):
        await log_act(parts.log, str(session.caller), "ended a session", call.request.address)
    if id == session.id:
        return redirect(call.request, "/sign-in", remove_cookie(SESSION, secure=secure(parts, call.request)))
    return redirect(call.request, "/account?done=session_ended")


async def sign_out_everywhere(parts: Parts, call: Call) -> Reply:
    """End every session of this person, and every token of the API."""
    session = session_of(call)
    await parts.gatekeeper.pages.end_all(session.caller)
    await log_act(parts.log, str(session.caller), "signed out everywhere", call.request.address)
    return redirect(call.request, "/sign-in", remove_cookie(SESSION, secure=secure(parts, call.request)))


async def renew_recovery_codes(parts: Parts, call: Call) -> Reply:
    """Show ten new recovery codes, for a code of the app: an open session alone may be that of a forgotten screen."""
    session, language = session_of(call), language_of(parts, call.request)
    code = "".join(call.form.get("code").split())
    try:
        codes = await parts.gatekeeper.renew_recovery_codes(session.caller.name, code, call.request.address)
    except (UnauthenticatedError, LockedOutError) as error:
        message = waiting(error, language) if isinstance(error, LockedOutError) else text(language, "account.wrong_code")
        refused = RequestError(error.status, error.code, str(error), headers=error.headers)
        raise ShownError(refused, await _page(parts, call, [FieldError("code", message)], error.status)) from None
    await log_act(parts.log, str(session.caller), "made new recovery codes", call.request.address)
    return await codes_page(parts, call, codes)


async def _page(parts: Parts, call: Call, errors: list[FieldError], status: int) -> Reply:
    session, language = session_of(call), language_of(parts, call.request)
    caller, pages = session.caller, parts.gatekeeper.pages
    sessions = [
        {"id": id, "opened": moment(language, found.opened), "address": found.address, "own": id == session.id}
        for id, found in (await pages.of_caller(caller)).items()
    ]
    keys = [
        {
            "name": key,
            "roles": in_words(language, map(Grant.parse, record.grants)),
            "created": day(language, datetime.fromisoformat(record.created).timestamp()),
            "expires": day(language, record.expires) if record.expires else "",
        }
        for key, record in (await pages.keys_of(caller)).items()
    ]
    done = query_value(call.request, "done")
    return await show(
        parts,
        call,
        "account.html",
        status=status,
        path="/account",
        errors=errors,
        roles=in_words(language, session.caller.grants),
        sessions=sessions,
        keys=keys,
        recovery_left=len(session.user.recovery) if session.user else 0,
        of_provider=session.user is None,
        done=done if done in DONE else "",
        until=moment(language, session.expires),
    )
