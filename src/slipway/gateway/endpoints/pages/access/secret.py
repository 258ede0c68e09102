"""The page that shows a new password or key, this once."""

from __future__ import annotations

from typing import Any

from slipway.gateway.endpoints.browser.showing import show
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Reply
from slipway.gateway.routing import Call


async def secret_page(parts: Parts, call: Call, id: str, secret: str, *, added: bool, second_factor: bool = True) -> Reply:
    """Show the password of a user or the key of a program. Like every page, no browser may keep it.

    Args:
        id: Such as `user:anna`.
        added: Whether it is the first one.
        second_factor: Whether the user sets up a second factor at the next sign-in.
    """
    kind, _, name = id.partition(":")
    values: dict[str, Any] = {"kind": kind, "name": name, "secret": secret, "added": added, "second_factor": second_factor}
    return await show(parts, call, "access/secret.html", path="/access", **values)
