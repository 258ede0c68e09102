"""Other roles for a user or key, and a new password or key in place of the old one."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from slipway.access import keys, passwords, users
from slipway.access.callers import ADMINISTER
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import redirect, show
from slipway.gateway.endpoints.pages.access.acting import AccessChange, give, refuse
from slipway.gateway.endpoints.pages.access.registry import AccessHolder, models, target
from slipway.gateway.endpoints.pages.access.secret import secret_page
from slipway.gateway.endpoints.pages.front import query_value
from slipway.gateway.endpoints.pages.session import session_of
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Reply
from slipway.gateway.routing import Call
from slipway.pages.access.role_choices import chosen_grants, role_groups
from slipway.pages.rendering import FieldError
from slipway.pages.texts import text


async def roles_form(parts: Parts, call: Call) -> Reply:
    found = await target(parts, call, query_value(call.request, "of"))
    return await _roles(parts, call, found, [], 200)


async def change_roles(parts: Parts, call: Call) -> Reply:
    """Replace the roles. They count in open sessions too."""
    found, language = await target(parts, call, call.form.get("of")), language_of(parts, call.request)
    name, again, seen = found.shown.name, partial(_roles, parts, call, found), call.form.get("seen").split()
    if set(seen) != set(found.record.grants):
        changed = FieldError("", text(language, "access.roles_changed", roles=found.shown.roles))
        raise await refuse([changed], partial(_roles, parts, call, found, seen_now=True))
    offered = role_groups(models(parts, call), found.record.grants, (), of_user=found.is_user)
    grants = chosen_grants(call.form.all("role"), offered)
    if grants is None:
        raise await refuse([FieldError("role", text(language, "access.no_roles"))], again)
    stays = any(grant.role == ADMINISTER for grant in grants)
    if found.is_user and not stays and users.administrators(found.all.users) == {name}:
        raise await refuse([FieldError("", text(language, "access.last_administrator"))], again)
    given = grants

    def work(home: Path) -> None:
        if found.is_user:
            users.grant(home, name, given, seen=seen, keep_administrator=True)
        else:
            keys.grant(home, name, given, seen=seen)

    what = "change user's roles" if found.is_user else "change key's roles"
    await give(parts, call, AccessChange(what, f"{name}: {', '.join(map(str, grants))}", work), again)
    own = found.shown.id == str(session_of(call).caller)
    return redirect(call.request, "/account" if own and not stays else found.address("one", "roles"))


async def rotate_form(parts: Parts, call: Call) -> Reply:
    found = await target(parts, call, query_value(call.request, "of"))
    return await _rotate(parts, call, found, [], 200)


async def rotate(parts: Parts, call: Call) -> Reply:
    """Make a new password or key. That of before ends at once, with the user's sessions."""
    found = await target(parts, call, call.form.get("of"))
    name, again = found.shown.name, partial(_rotate, parts, call, found)
    if not found.is_user:
        key = await give(parts, call, AccessChange("rotate key", name, lambda home: keys.rotate(home, name)), again)
        return await secret_page(parts, call, found.shown.id, key, added=False)
    lost, password = bool(call.form.get("second_factor")), passwords.generate(name)

    def work(home: Path) -> None:
        users.rotate(home, name, password, with_second_factor=False if lost else None)

    about = f"{name}{'; second factor taken away' if lost else ''}"
    await give(parts, call, AccessChange("rotate user's password", about, work), again)
    sets_up = lost or not found.shown.second_factor
    return await secret_page(parts, call, found.shown.id, password, added=False, second_factor=sets_up)


async def _roles(parts: Parts, call: Call, found: AccessHolder, errors: list[FieldError], status: int, *, seen_now: bool = False) -> Reply:
    """Show the form. It contains the roles so far, so that another administrator's change of them is noticed, and is not undone unseen.

    Args:
        seen_now: Whether this page shows a change since the form was made.
    """
    sent, stored = call.form, found.record.grants
    groups = role_groups(models(parts, call), stored, sent.all("role") if sent.fields else stored, of_user=found.is_user)
    seen = sent.get("seen") if sent.fields and not seen_now else " ".join(stored)
    values: dict[str, Any] = {"one": found.shown, "groups": groups, "seen": seen, "errors": errors}
    return await show(parts, call, "access/roles.html", status=status, path=found.address("roles"), **values)


async def _rotate(parts: Parts, call: Call, found: AccessHolder, errors: list[FieldError], status: int) -> Reply:
    lost, path = bool(call.form.get("second_factor")), found.address("rotate")
    return await show(parts, call, "access/rotate.html", status=status, path=path, one=found.shown, lost=lost, errors=errors)
