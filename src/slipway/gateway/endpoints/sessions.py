"""`/sessions`: a short-lived token for a password, and its end."""

from __future__ import annotations

import msgspec

from slipway.audit import Administered, AuditError, AuditLog
from slipway.gateway.bodies.mlflow import JSON, media_type
from slipway.gateway.bodies.shapes import malformed
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Reply, as_json, unavailable
from slipway.gateway.routing import Call

LARGEST_SIGN_IN = 4 * 1024  # bytes


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /sessions`."""

    name: str
    password: str
    code: str | None = None


async def open_session(parts: Parts, call: Call) -> Reply:
    request = call.request
    body = await request.body(LARGEST_SIGN_IN)
    media_type(request.content_type, (JSON,))
    try:
        sign_in = msgspec.json.decode(body, type=SignIn)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):  # their messages may quote the password
        raise malformed('expected a JSON object {"name": ..., "password": ..., "code": ...}; code only with a second factor.') from None
    opened = await parts.gatekeeper.open_session(sign_in.name, sign_in.password, sign_in.code, request.address)
    await log_act(parts.log, f"user:{sign_in.name}", "signed in", request.address)
    return as_json({"token": opened.token, "token_type": "Bearer", "expires_in": opened.expires_in})


async def close_session(parts: Parts, call: Call) -> Reply:
    caller = await parts.gatekeeper.close_session(call.request.headers.get(b"authorization"))
    await log_act(parts.log, str(caller), "signed out", call.request.address)
    return as_json({"closed": True})


async def log_act(log: AuditLog, who: str, what: str, about: str) -> None:
    """Log what a person did. Raises RequestError: 503, it cannot be logged."""
    try:
        await log.record(Administered(who, what, about))
    except AuditError as error:
        raise unavailable(str(error), retry_after=5) from None
