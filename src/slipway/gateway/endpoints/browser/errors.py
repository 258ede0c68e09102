"""Errors as pages, in the reader's language."""

from __future__ import annotations

from typing import Any

from slipway.access.refusals import AccessError
from slipway.gateway.endpoints.browser.form_tokens import FOREIGN_FORM
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import ShownError, show, show_without_forms
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Reply, RequestError
from slipway.gateway.routing import Call
from slipway.pages.texts import messages, text


async def error_page(parts: Parts, call: Call, error: RequestError) -> Reply:
    """Return the page of an error, with the error's own status and headers."""
    if isinstance(error, ShownError):
        return error.page
    language = language_of(parts, call.request)
    kind = "form" if error.code == FOREIGN_FORM else str(error.status)
    if f"error.{kind}.title" not in messages(language):
        kind = "500" if error.status >= 500 else "400"
    values: dict[str, Any] = {
        "title": text(language, f"error.{kind}.title"),
        "advice": text(language, f"error.{kind}.advice"),
        "detail": str(error),
        "open": error.status == 409,  # the details say what the reader can do
        "request_id": call.request.id,
    }
    try:
        return await show(parts, call, "error.html", status=error.status, headers=error.headers, **values)
    except AccessError:  # the file of users cannot be read, which may be the very error to show
        return await show_without_forms(parts, call, "error.html", status=error.status, headers=error.headers, **values)
