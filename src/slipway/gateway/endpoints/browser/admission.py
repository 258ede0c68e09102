"""Who sees a page. People are known by the cookie of their session, and by no other credential."""

from __future__ import annotations

from urllib.parse import quote

from slipway.access.refusals import ForbiddenError
from slipway.gateway.bodies.forms import SentForm, decode
from slipway.gateway.bodies.multipart_forms import AROUND, begin, too_large_file
from slipway.gateway.endpoints.browser.addresses import own_address, secure
from slipway.gateway.endpoints.browser.cookies import SESSION, cookie
from slipway.gateway.endpoints.browser.form_tokens import require_own_form, require_own_site
from slipway.gateway.endpoints.browser.kept_forms import kept
from slipway.gateway.endpoints.browser.showing import redirect, wants_page
from slipway.gateway.endpoints.browser.sign_in_form import sign_in_form
from slipway.gateway.parts import Parts
from slipway.gateway.replies import NOT_FOUND, Reply, RequestError
from slipway.gateway.routing import Call, Route

SIGN_IN = "/sign-in"
SECOND_FACTOR = "/second-factor"


async def admit(parts: Parts, call: Call, route: Route) -> Reply | None:
    """Find the session of a request for a page, and read its form. Return the page that must come first, or None.

    Raises:
        AccessError: The person may not see this page, or cannot be identified now.
        RequestError: 404, a program asks; 429, too many requests; 403, the form is not one of the gateway's own; others, it is no form.
    """
    if route.needs != "nothing" and (elsewhere := await _identify(parts, call, route)):
        return elsewhere
    if route.method == "POST":
        if route.needs == "nothing":
            await find_session(parts, call)
        if route.file:
            most = parts.configuration.max_upload_bytes
            call.form, call.file = await begin(call.request.content_type, call.request.parts(most + AROUND, too_large_file(most)), most)
        else:
            call.form = decode(call.request.content_type, await call.request.body())
        await require_own_form(parts, call)
    return None


async def find_session(parts: Parts, call: Call) -> None:
    """Note who is signed in, if anybody is."""
    sent = call.cookie or cookie(call.request, SESSION, secure=secure(parts, call.request))
    call.session = await parts.gatekeeper.pages.find(sent)
    call.caller = call.session.caller if call.session else None


async def _kept(parts: Parts, call: Call) -> Reply:
    """Show the sign-in form, which keeps the form that was sent: its session has ended while its person was filling it in."""
    request = call.request
    call.form = decode(request.content_type, await request.body())
    require_own_site(parts, call)
    text = kept(call)
    call.form = SentForm()
    return await sign_in_form(parts, call, status=401, kept=text)


async def _identify(parts: Parts, call: Call, route: Route) -> Reply | None:
    request = call.request
    await find_session(parts, call)
    if call.session is None or call.caller is None:
        if not wants_page(request):
            message = f"there is nothing for programs at {request.path[:200]!r}, which is a page. GET /openapi.json describes every path."
            raise RequestError(404, NOT_FOUND, message)
        if route.file:  # a page cannot keep a file: it must be chosen again
            require_own_site(parts, call)
            return await sign_in_form(parts, call, status=401, wanted=own_address(request))
        if route.method == "POST" and not route.first:
            return await _kept(parts, call)
        wanted = own_address(request) if route.method == "GET" else "/"
        return redirect(request, SIGN_IN if wanted == "/" else f"{SIGN_IN}?next={quote(wanted, safe='/')}")
    await parts.limits.caller(str(call.caller))
    if not (call.session.second_factor or route.first):
        return redirect(request, SECOND_FACTOR)
    if route.needs != "any" and route.needs != "nothing":
        # a page about all models shows those for which the role is granted
        if call.model or not any(map(call.caller.has, (route.needs, *route.also))):
            call.caller.require(route.needs, call.model or None)
    elif call.model and not call.caller.sees(call.model):
        raise ForbiddenError(f"{call.caller}: expected a role for {call.model[:60]}, which was not granted.")
    return None
