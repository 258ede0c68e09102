"""Adding a user or a key. The password or key is made here, and shown this once."""

from __future__ import annotations

import re
from functools import partial

from slipway.access import keys, passwords, users
from slipway.access.callers import InvalidNameError, check_name
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import show
from slipway.gateway.endpoints.pages.access.acting import AccessChange, give, refuse
from slipway.gateway.endpoints.pages.access.registry import models
from slipway.gateway.endpoints.pages.access.secret import secret_page
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Reply
from slipway.gateway.routing import Call
from slipway.pages.access.registered import RegisteredKind
from slipway.pages.access.role_choices import chosen_grants, role_groups
from slipway.pages.languages import Language
from slipway.pages.rendering import FieldError
from slipway.pages.texts import text

DAYS, MOST_DAYS = "365", 3_650
MOST_OWNERS = 100  # users to choose from in a list; a name among more is typed


async def user_form(parts: Parts, call: Call) -> Reply:
    return await _form(parts, call, "user", [], 200)


async def key_form(parts: Parts, call: Call) -> Reply:
    return await _form(parts, call, "key", [], 200)


async def add_user(parts: Parts, call: Call) -> Reply:
    """Add a user with a new password. The second factor is set up by the user, at the first sign-in."""
    again, name = partial(_form, parts, call, "user"), call.form.get("name").strip()
    errors, language = [], language_of(parts, call.request)
    snapshot = await parts.gatekeeper.registered()
    errors += _name_errors(language, name, name in snapshot.users)
    grants = chosen_grants(call.form.all("role"), role_groups(models(parts, call), (), (), of_user=True))
    if grants is None:
        errors.append(FieldError("role", text(language, "access.no_roles")))
    if errors or grants is None:
        raise await refuse(errors, again)
    password, given = passwords.generate(name), grants
    about = f"{name}: {', '.join(map(str, grants))}"
    await give(parts, call, AccessChange("add user", about, lambda home: users.add(home, name, password, given)), again)
    return await secret_page(parts, call, f"user:{name}", password, added=True)


async def add_key(parts: Parts, call: Call) -> Reply:
    """Make a key."""
    again, name, owner = partial(_form, parts, call, "key"), call.form.get("name").strip(), call.form.get("owner").strip()
    errors, language = [], language_of(parts, call.request)
    snapshot = await parts.gatekeeper.registered()
    errors += _name_errors(language, name, name in snapshot.records)
    if owner and owner not in snapshot.users:
        errors.append(FieldError("owner", text(language, "access.no_owner")))
    days = call.form.get("days").strip()
    if days and not (re.fullmatch("[0-9]{1,4}", days) and 1 <= int(days) <= MOST_DAYS):
        errors.append(FieldError("days", text(language, "access.wrong_days", most=MOST_DAYS)))
    grants = chosen_grants(call.form.all("role"), role_groups(models(parts, call), (), (), of_user=False))
    if grants is None:
        errors.append(FieldError("role", text(language, "access.no_roles")))
    if errors or grants is None:
        raise await refuse(errors, again)
    lasts, given = int(days) if days else None, grants
    about = f"{name}: {', '.join(map(str, grants))}{f'; for {lasts} days' if lasts else ''}{f'; of user {owner}' if owner else ''}"
    key = await give(parts, call, AccessChange("add key", about, lambda home: keys.issue(home, name, given, lasts, owner)), again)
    return await secret_page(parts, call, f"key:{name}", key, added=True)


async def _form(parts: Parts, call: Call, kind: RegisteredKind, errors: list[FieldError], status: int) -> Reply:
    snapshot, sent = await parts.gatekeeper.registered(), call.form
    return await show(
        parts,
        call,
        "access/add.html",
        status=status,
        kind=kind,
        errors=errors,
        name=sent.get("name")[:64],
        owner=sent.get("owner")[:64],
        owners=sorted(snapshot.users) if len(snapshot.users) <= MOST_OWNERS else [],
        days=sent.get("days")[:10] if "days" in sent.fields else DAYS,
        groups=role_groups(models(parts, call), (), sent.all("role"), of_user=kind == "user"),
    )


def _name_errors(language: Language, name: str, taken: bool) -> list[FieldError]:
    if taken:
        return [FieldError("name", text(language, "access.name_taken"))]
    try:
        check_name(name)
    except InvalidNameError:
        return [FieldError("name", text(language, "access.wrong_name"))]
    return []
