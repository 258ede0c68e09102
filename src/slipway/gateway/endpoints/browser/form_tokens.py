"""Forms that only the gateway's own pages can send (protection against cross-site request forgery).

Each form contains a token, which is a MAC of the visitor's cookie: of the session, or of a random one before the sign-in, so that no other
website can sign a visitor in under its own account either. Besides, the browser must say that the form comes from this site.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from slipway.gateway.endpoints.browser.addresses import origin, secure
from slipway.gateway.endpoints.browser.cookies import FORM, SESSION, cookie, set_cookie
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Header, RequestError
from slipway.gateway.routing import Call

FIELD = "form_token"
FOREIGN_FORM = "FOREIGN_FORM"


async def form_token(parts: Parts, call: Call) -> tuple[str, tuple[Header, ...]]:
    """Return the token for the forms of a page, and the header that sets the cookie it belongs to, if the browser has none."""
    seed, headers = _seed(parts, call), tuple[Header, ...]()
    if not seed:
        seed = secrets.token_urlsafe(24)
        headers = (set_cookie(FORM, seed, secure=secure(parts, call.request)),)
    return _masked(await _token(parts, call, seed)), headers


async def require_own_form(parts: Parts, call: Call) -> None:
    """Require that the form of a request was sent by a page of the gateway, for this visitor.

    Raises:
        RequestError: 403, it was not, or its session is over.
    """
    require_own_site(parts, call)
    seed = _seed(parts, call)
    if not seed or not _same(_unmasked(call.form.get(FIELD)), await _token(parts, call, seed)):
        raise RequestError(403, FOREIGN_FORM, f"expected a form with the field {FIELD} of this visitor's session; load the page again.")


def require_own_site(parts: Parts, call: Call) -> None:
    """Require that a form comes from this site. Raises RequestError: 403, it does not."""
    if wrong := _foreign(parts, call):
        raise RequestError(403, FOREIGN_FORM, f"expected a form of the gateway's own pages, received one from {wrong}.")


async def sealed(parts: Parts, call: Call, value: str) -> str:
    """Return the proof that a hidden value of a form was made here, for this visitor."""
    return await _token(parts, call, _seed(parts, call), f"value {value}")


async def is_sealed(parts: Parts, call: Call, value: str, seal: str) -> bool:
    """Return whether `sealed` has returned this proof for the value and the visitor."""
    return _same(seal, await sealed(parts, call, value))


async def is_of_former_session(parts: Parts, call: Call, token: str, owner: str) -> bool:
    """Return whether a form's token is that of this browser's session before, and the session was this person's."""
    seed = cookie(call.request, SESSION, secure=secure(parts, call.request))
    return bool(seed) and _same(_unmasked(token), await _mac(parts, f"form of session of {owner} {seed}"))


async def signed(parts: Parts, value: str) -> str:
    """Return the proof that the value of a cookie was made here."""
    return await _mac(parts, f"cookie {value}")


async def is_signed(parts: Parts, value: str, seal: str) -> bool:
    return bool(await parts.gatekeeper.pages.form_secret()) and _same(seal, await signed(parts, value))


def _foreign(parts: Parts, call: Call) -> str:
    """Return the site that sent a form, "" if it is this one. All browsers send Origin with a form; most send Sec-Fetch-Site too."""
    headers = call.request.headers
    site, sender = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None and site != b"same-origin":
        return f"another site ({site.decode('latin-1')[:40]})"
    if sender is None:
        return "" if site else "a program that sends no Origin"
    found = sender.decode("latin-1").lower()
    return "" if found == origin(parts, call.request) else found[:100]


def _seed(parts: Parts, call: Call) -> str:
    return call.cookie or cookie(call.request, SESSION if call.session else FORM, secure=secure(parts, call.request))


async def _token(parts: Parts, call: Call, seed: str, purpose: str = "form") -> str:
    kind = f"session of {call.session.caller}" if call.session else "visitor"
    return await _mac(parts, f"{purpose} of {kind} {seed}")


async def _mac(parts: Parts, what: str) -> str:
    secret = await parts.gatekeeper.pages.form_secret()
    return hmac.new(secret.encode(), what.encode(), hashlib.sha256).hexdigest()


def _masked(token: str) -> str:
    """Return a token that looks different in each page, so that the size of compressed pages says nothing about it (BREACH)."""
    mask = secrets.token_bytes(len(token) // 2)
    return mask.hex() + bytes(a ^ b for a, b in zip(mask, bytes.fromhex(token), strict=True)).hex()


def _unmasked(sent: str) -> str:
    """Return the token of a form, "" if it is none."""
    try:
        both = bytes.fromhex(sent)
    except ValueError:
        return ""
    half = len(both) // 2
    return bytes(a ^ b for a, b in zip(both[:half], both[half:], strict=False)).hex()


def _same(sent: str, expected: str) -> bool:
    return sent.isascii() and hmac.compare_digest(sent, expected)
