"""Taking access away, and letting a user try again: both at once, without a code of the app."""

from __future__ import annotations

from functools import partial
from typing import Any

from slipway.access import keys, users
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import redirect, show
from slipway.gateway.endpoints.pages.access.acting import AccessChange, refuse, take_away
from slipway.gateway.endpoints.pages.access.registry import AccessHolder, target
from slipway.gateway.endpoints.pages.front import query_value
from slipway.gateway.endpoints.pages.session import session_of
from slipway.gateway.parts import Parts
from slipway.gateway.replies import NOT_FOUND, Reply, RequestError
from slipway.gateway.routing import Call
from slipway.pages.rendering import FieldError
from slipway.pages.texts import text


async def revoke_form(parts: Parts, call: Call) -> Reply:
    """Ask whether to revoke a user or key, and say what ends with it."""
    found = await target(parts, call, query_value(call.request, "of"))
    return await _form(parts, call, found, [], 200)


async def revoke(parts: Parts, call: Call) -> Reply:
    found, language = await target(parts, call, call.form.get("of")), language_of(parts, call.request)
    name, again = found.shown.name, partial(_form, parts, call, found)
    if _is_last(found):
        raise await refuse([FieldError("", text(language, "access.last_administrator"))], again)
    if found.is_user:
        act = AccessChange("revoke user", name, lambda home: users.revoke(home, name, keep_administrator=True))
    else:
        act = AccessChange("revoke key", name, lambda home: keys.revoke(home, name))
    await take_away(parts, call, act, again)
    return redirect(call.request, "/access?done=revoked")


async def sign_user_out(parts: Parts, call: Call) -> Reply:
    """End every session of a user, and every token of the API."""
    found = await _user(parts, call)
    act = AccessChange("sign user out", found.shown.name, lambda home: users.sign_out(home, found.shown.name))
    await take_away(parts, call, act)
    return redirect(call.request, found.address("one", "signed_out"))


async def unlock(parts: Parts, call: Call) -> Reply:
    """Let a user try to sign in again, who has typed too many wrong passwords."""
    found = await _user(parts, call)
    act = AccessChange("unlock user", found.shown.name, lambda home: users.unlock(home, found.shown.name))
    await take_away(parts, call, act)
    return redirect(call.request, found.address("one", "unlocked"))


async def _user(parts: Parts, call: Call) -> AccessHolder:
    found = await target(parts, call, call.form.get("of"))
    if not found.is_user:
        raise RequestError(404, NOT_FOUND, f"{found.shown.id}: expected a user, received a key.")
    return found


async def _form(parts: Parts, call: Call, found: AccessHolder, errors: list[FieldError], status: int) -> Reply:
    kept = sorted(name for name, key in found.all.records.items() if key.owner == found.shown.name) if found.is_user else []
    values: dict[str, Any] = {"one": found.shown, "keys": kept, "own": found.shown.id == str(session_of(call).caller), "errors": errors}
    return await show(parts, call, "access/revoke.html", status=status, path=found.address("revoke"), last=_is_last(found), **values)


def _is_last(found: AccessHolder) -> bool:
    """Return whether it is the only administrator."""
    return found.is_user and users.administrators(found.all.users) == {found.shown.name}
