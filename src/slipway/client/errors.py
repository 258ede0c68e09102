"""Why there is no answer: one class for each thing that a program can do about it."""

# ruff: noqa: N818  (`except RefusedRows as refused` reads as what happened)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slipway.client.answers import Violation
from slipway.errors import SlipwayError


@dataclass(frozen=True, slots=True)
class ReplyDetails:
    """What a reply says beside its message, None for what it does not say; `retry_after` is in seconds."""

    status: int | None = None
    code: str | None = None
    request_id: str | None = None
    retry_after: float | None = None


class ClientError(SlipwayError):
    """The base of all. The operator finds the request by its `request_id`; `retry_after` is in seconds; None is unknown."""

    def __init__(self, message: str, reply: ReplyDetails | None = None) -> None:
        reply = reply or ReplyDetails()
        super().__init__(message if reply.request_id is None else f"{message} (request {reply.request_id})")
        self.status = reply.status
        self.code = reply.code
        self.request_id = reply.request_id
        self.retry_after = reply.retry_after


class Unauthorized(ClientError):
    """The key is missing, wrong or revoked."""


class Forbidden(ClientError):
    """The key is valid, but does not allow this request."""


class UnknownModel(ClientError):
    """No model of that name is in service."""


class RefusedRequest(ClientError):
    """The gateway does not accept this request; sending it again will not help."""


class RefusedRows(RefusedRequest):
    """Rows break the model's contract, and nothing of their request was predicted.

    `violations` are the first twenty of the request, `total` is how many it has.
    """

    def __init__(self, message: str, reply: ReplyDetails, violations: Sequence[Violation], total: int) -> None:
        super().__init__(message, reply)
        self.violations = tuple(violations)
        self.total = total


class RefusedOutcomes(RefusedRows):
    """Outcomes are not classes of the model, or name predictions that it did not make; nothing of their request was recorded."""


class TooLarge(RefusedRequest):
    """A request has more rows or bytes than the gateway accepts; a smaller `chunk` makes smaller requests."""


class RateLimited(ClientError):
    """The key or the address has sent too many requests, even after all retries, or must wait for longer than 30 s."""


class Unavailable(ClientError):
    """The gateway or the model cannot answer now, even after all retries; it may later."""


class NotAnswered(ClientError):
    """The request was sent, but no complete answer came in time; the gateway may have answered it or not."""


class GatewayFailed(ClientError):
    """The gateway failed, or another program answered at its address."""
