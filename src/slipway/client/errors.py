"""Why there is no answer, by what a program does about it."""

# ruff: noqa: N818  (`except RefusedRows as refused` reads as what happened)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slipway.client.answers import Violation
from slipway.errors import SlipwayError


@dataclass(frozen=True, slots=True)
class Told:
    """What a reply said beside its message; `retry_after` is in seconds. All None where there was no reply, or none that told."""

    status: int | None = None
    code: str | None = None
    request_id: str | None = None
    retry_after: float | None = None


class ClientError(SlipwayError):
    """The base of all. The operator finds the request by its `request_id`; `retry_after` is in seconds; each is None where not told."""

    def __init__(self, message: str, told: Told | None = None) -> None:
        told = told or Told()
        super().__init__(message if told.request_id is None else f"{message} (request {told.request_id})")
        self.status = told.status
        self.code = told.code
        self.request_id = told.request_id
        self.retry_after = told.retry_after


class Unauthorized(ClientError):
    """The key is missing, wrong or revoked."""


class Forbidden(ClientError):
    """The key is valid, and not for this."""


class UnknownModel(ClientError):
    """No such model is in service."""


class RefusedRequest(ClientError):
    """The gateway does not take this request; sending it again will not help."""


class RefusedRows(RefusedRequest):
    """Rows break the model's contract, and nothing of their request was predicted.

    `violations` are the first twenty, `total` is how many there are in the request.
    """

    def __init__(self, message: str, told: Told, violations: Sequence[Violation], total: int) -> None:
        super().__init__(message, told)
        self.violations = tuple(violations)
        self.total = total


class RefusedOutcomes(RefusedRows):
    """Outcomes are no classes of the model, or are of predictions that it did not make; nothing of their request was recorded."""


class TooLarge(RefusedRequest):
    """More rows or bytes than the gateway takes at once; `predict` splits rows into requests, a smaller `chunk` makes more of them."""


class RateLimited(ClientError):
    """More requests than the key or the address may send, still after all retries, or for longer than is waited."""


class Unavailable(ClientError):
    """The gateway or the model cannot answer now, still after all retries; later it may."""


class NotAnswered(ClientError):
    """The request was sent and no whole answer came in time; whether it was predicted is not known."""


class GatewayFailed(ClientError):
    """The gateway failed, or something else than a gateway answered."""
