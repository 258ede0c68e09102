"""Why a caller is refused: a message for the caller, and its status in HTTP. No message contains a secret or a credential that was sent."""

from __future__ import annotations

from slipway.errors import SlipwayError

Header = tuple[bytes, bytes]


class AccessError(SlipwayError):
    """A refused request; `status` is HTTP's, `code` MLflow's."""

    status = 401
    code = "UNAUTHENTICATED"

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        """`retry_after` is in whole seconds."""
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def headers(self) -> tuple[Header, ...]:
        """The reply's headers that go with the status."""
        if self.retry_after is None:
            return ()
        return ((b"retry-after", str(self.retry_after).encode()),)


class UnauthenticatedError(AccessError):
    """The request has no valid key, token, or password and code."""

    @property
    def headers(self) -> tuple[Header, ...]:
        return ((b"www-authenticate", b'Bearer realm="slipway"'),)


class ForbiddenError(AccessError):
    """The caller is known, but lacks the role for this model."""

    status = 403
    code = "PERMISSION_DENIED"


class LockedOutError(AccessError):
    """Too many wrong passwords for this name or from this address; try again after `retry_after`."""

    status = 429
    code = "REQUEST_LIMIT_EXCEEDED"


class UndecidedError(AccessError):
    """The caller cannot be authenticated now: the provider or the access file cannot be read, or too many users sign in at once."""

    status = 503
    code = "TEMPORARILY_UNAVAILABLE"
