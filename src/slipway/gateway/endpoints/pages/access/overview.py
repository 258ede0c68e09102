"""The list of users and keys, and the page of each."""

from __future__ import annotations

from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import show
from slipway.gateway.endpoints.pages.access.registry import everything, target
from slipway.gateway.endpoints.pages.front import query_value
from slipway.gateway.endpoints.pages.session import session_of
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Reply
from slipway.gateway.routing import Call
from slipway.pages.access.registered import AccessEntry
from slipway.pages.texts import text

MOST = 40  # rows of a table; more are found by name
DONE = ("roles", "signed_out", "unlocked", "revoked")  # what a page may say on top, by the query `done`


async def access_page(parts: Parts, call: Call) -> Reply:
    users, keys, _ = await everything(parts, call)
    wanted = query_value(call.request, "find").strip()[:64]
    found = [[one for one in rows if wanted.casefold() in f"{one.name} {one.owner}".casefold()] for rows in (users, keys)]
    return await show(
        parts,
        call,
        "access/list.html",
        tables=[_table("user", found[0]), _table("key", found[1])],
        find=wanted,
        searchable=bool(wanted) or max(len(users), len(keys)) > MOST,
        done=_done(parts, call),
    )


async def registered_page(parts: Parts, call: Call) -> Reply:
    """Answer with the page of one user or key, and what can be done with it."""
    found = await target(parts, call, query_value(call.request, "of"))
    keys = sorted(name for name, key in found.all.records.items() if key.owner == found.shown.name) if found.is_user else []
    own = found.shown.id == str(session_of(call).caller)
    return await show(parts, call, "access/one.html", one=found.shown, keys=keys, own=own, done=_done(parts, call))


def _table(kind: str, rows: list[AccessEntry]) -> dict[str, object]:
    return {"kind": kind, "rows": rows[:MOST], "number": len(rows)}


def _done(parts: Parts, call: Call) -> str:
    done = query_value(call.request, "done")
    return text(language_of(parts, call.request), f"access.done_{done}") if done in DONE else ""
