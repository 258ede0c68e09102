"""Replies, and errors as replies: JSON with `error_code` and `message`, as MLflow sends them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from slipway.rows.checks import Violation

Header = tuple[bytes, bytes]

JSON = b"application/json"
BAD_REQUEST = "BAD_REQUEST"
UNAUTHENTICATED = "UNAUTHENTICATED"
NOT_FOUND = "RESOURCE_DOES_NOT_EXIST"
METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
TOO_LARGE = "REQUEST_TOO_LARGE"
UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
INTERNAL_ERROR = "INTERNAL_ERROR"
UNAVAILABLE = "TEMPORARILY_UNAVAILABLE"


class RequestError(Exception):
    """A request that is refused: the HTTP status, an error code as MLflow's, and a message for the caller."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Sequence[Header] = (),
        violations: Sequence[Violation] = (),
        total: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = tuple(headers)
        self.violations = tuple(violations)
        self.total = total

    def reply(self) -> Reply:
        body: dict[str, Any] = {"error_code": self.code, "message": str(self)}
        if self.total is not None:
            body |= {"violations": self.violations, "total": self.total}
        return Reply(self.status, msgspec.json.encode(body), headers=self.headers)


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP reply. The application adds the request's id and the body's length.

    `security` are headers in place of the usual ones of the same names, such as a Content-Security-Policy of this reply. `parts` are a
    body that is sent as they come; if they end in an error, the connection is closed before the end of the body.
    """

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[Header, ...] = ()
    security: tuple[Header, ...] = ()
    parts: AsyncIterator[bytes] | None = None

    def with_headers(self, more: tuple[Header, ...]) -> Reply:
        return replace(self, headers=self.headers + more)


def unavailable(message: str, *, retry_after: int) -> RequestError:
    """Return the 503 that asks the caller to send the request again, after so many seconds."""
    return RequestError(503, UNAVAILABLE, message, headers=[(b"retry-after", b"%d" % retry_after)])


def as_json(content: Any) -> Reply:
    """Return a 200 reply."""
    return Reply(200, msgspec.json.encode(content))
