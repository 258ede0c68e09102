"""The gateway's cookies.

Under TLS their names begin with `__Host-`: a browser then takes them only over TLS, and from this host, not from a neighbouring one.
"""

from __future__ import annotations

from slipway.gateway.replies import Header
from slipway.gateway.request import Request

SESSION = "slipway"
FORM = "slipway_form"
LANGUAGE = "slipway_language"
PROVIDER = "slipway_provider"
YEAR = 365 * 86_400


def cookie(request: Request, name: str, *, secure: bool) -> str:
    """Return the value of one of the gateway's cookies, "" if the browser sent none."""
    wanted = _name(name, secure)
    for part in request.headers.get(b"cookie", b"").decode("latin-1").split(";"):
        found, _, value = part.strip().partition("=")
        if found == wanted:
            return value
    return ""


def set_cookie(name: str, value: str, *, secure: bool, seconds: int | None = None) -> Header:
    """Return the header that sets a cookie; without `seconds`, until the browser is closed."""
    parts = [f"{_name(name, secure)}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if secure:
        parts.append("Secure")
    if seconds is not None:
        parts.append(f"Max-Age={seconds}")
    return b"set-cookie", "; ".join(parts).encode("latin-1")


def remove_cookie(name: str, *, secure: bool) -> Header:
    return set_cookie(name, "", secure=secure, seconds=0)


def _name(name: str, secure: bool) -> str:
    return f"__Host-{name}" if secure else name
