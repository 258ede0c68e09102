"""The list of users and keys, and the page of each."""

from __future__ import annotations

from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import show
from slipway.gateway.endpoints.pages.access.registry import registry, target
from slipway.gateway.endpoints.pages.front import query_value
from slipway.gateway.endpoints.pages.session import session_of
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Reply
from slipway.gateway.routing import Call
from slipway.pages.texts import text

MOST = 40  # rows of a table; more are found by name
DONE = ("roles", "signed_out", "unlocked", "revoked")  # what a page may say on top, by the query `done`


async def access_page(parts: Parts, call: Call) -> Reply:
    found, wanted = await registry(parts, call), query_value(call.request, "find").strip()[:64]
    users = [name for name in sorted(found.all.users) if wanted.casefold() in name.casefold()]
    keys = [name for name, key in sorted(found.all.records.items()) if wanted.casefold() in f"{name} {key.owner}".casefold()]
    tables = [
        {"kind": "user", "rows": [found.user(name) for name in users[:MOST]], "number": len(users)},
        {"kind": "key", "rows": [found.key(name) for name in keys[:MOST]], "number": len(keys)},
    ]
    searchable = bool(wanted) or max(len(users), len(keys)) > MOST
    return await show(parts, call, "access/list.html", tables=tables, find=wanted, searchable=searchable, done=_done(parts, call))


async def registered_page(parts: Parts, call: Call) -> Reply:
    """Answer with the page of one user or key, and what can be done with it."""
    found = await target(parts, call, query_value(call.request, "of"))
    keys = sorted(name for name, key in found.all.records.items() if key.owner == found.shown.name) if found.is_user else []
    own = found.shown.id == str(session_of(call).caller)
    return await show(parts, call, "access/one.html", one=found.shown, keys=keys, own=own, done=_done(parts, call))


def _done(parts: Parts, call: Call) -> str:
    done = query_value(call.request, "done")
    return text(language_of(parts, call.request), f"access.done_{done}") if done in DONE else ""
