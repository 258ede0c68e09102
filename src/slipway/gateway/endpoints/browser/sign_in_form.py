"""The form for signing in, which other pages show too when somebody must sign in first."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from slipway.gateway.endpoints.browser.showing import show
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Reply
from slipway.gateway.routing import Call
from slipway.pages.rendering import FieldError


async def sign_in_form(
    parts: Parts,
    call: Call,
    *,
    status: int = 200,
    errors: list[FieldError] | None = None,
    wanted: str = "/",
    name: str = "",
    kept: str = "",
) -> Reply:
    """Show the form. Of what was typed, only the name stays; password and code are never sent back.

    Args:
        wanted: The address to go to afterwards.
        kept: A form that was sent without a session; see `kept_forms`.
    """
    flow = parts.gatekeeper.at_provider
    provider = urlsplit(flow.issuer).hostname if flow else ""
    values: dict[str, Any] = {"errors": errors or [], "name": name[:64], "next": wanted, "provider": provider, "kept": kept}
    return await show(parts, call, "sign_in.html", status=status, path="/sign-in", **values)
