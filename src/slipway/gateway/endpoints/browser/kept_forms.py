"""A form that was sent after its session had ended. The sign-in form keeps it, and its person sends it again afterwards.

Nothing of it is stored here: it is a hidden field of the page. Only the person who was signed in gets it back.
"""

from __future__ import annotations

import msgspec

from slipway.gateway.endpoints.browser.addresses import local
from slipway.gateway.endpoints.browser.form_tokens import FIELD, is_of_former_session
from slipway.gateway.parts import Parts
from slipway.gateway.routing import Call

LARGEST = 200_000  # bytes


class KeptForm(msgspec.Struct, frozen=True):
    """Where a form was sent, and its fields."""

    path: str
    fields: dict[str, list[str]]


def kept(call: Call) -> str:
    """Return the form of a request as the value of a hidden field, "" if it is too large for one."""
    content = msgspec.json.encode(KeptForm(call.request.path, call.form.fields))
    return content.decode() if len(content) <= LARGEST else ""


async def of_person(parts: Parts, call: Call, name: str) -> KeptForm | None:
    """Return the form that the sign-in form has kept, if this user was signed in when it was opened."""
    try:
        found = msgspec.json.decode(call.form.get("kept") or "null", type=KeptForm | None)
    except msgspec.MsgspecError:
        return None
    if found is None or local(found.path) != found.path:
        return None
    token = found.fields.pop(FIELD, [""])[-1]
    return found if await is_of_former_session(parts, call, token, f"user:{name}") else None
