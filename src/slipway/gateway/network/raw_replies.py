"""Replies of a connection that has no request: too many connections, or nothing came in time."""

from __future__ import annotations

from slipway.gateway.replies import RequestError

LATE = "the request did not arrive in time; send it again without pauses."
RETRY = (b"retry-after", b"1")


def late() -> RequestError:
    """Return the 408 for a request that has begun."""
    return RequestError(408, "REQUEST_TIMEOUT", LATE, headers=[RETRY])


def _raw(status: bytes, code: bytes, message: bytes) -> bytes:
    body = b'{"error_code":"%s","message":"%s"}' % (code, message)
    head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%s: %s\r\nconnection: close\r\n\r\n"
    return head % (status, len(body), *RETRY) + body


TOO_MANY = _raw(b"503 Service Unavailable", b"TEMPORARILY_UNAVAILABLE", b"there are too many connections; close some, or try again later.")
TOO_SLOW = _raw(b"408 Request Timeout", b"REQUEST_TIMEOUT", LATE.encode())
