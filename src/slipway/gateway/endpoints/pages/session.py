"""The session of a page that is shown only to a person who is signed in."""

from __future__ import annotations

from slipway.access.page_sessions import PageSession
from slipway.gateway.routing import Call


def session_of(call: Call) -> PageSession:
    """Return the session. A route of a page that needs "any" or a role has one before its handler runs."""
    if call.session is None:
        raise RuntimeError(f"{call.request.path}: a page with a session needs a route that asks for one.")
    return call.session
