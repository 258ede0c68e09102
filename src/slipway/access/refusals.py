"""Why somebody is not let in: words for the caller, and what they mean in HTTP. No message holds a secret or what was sent as one."""

from __future__ import annotations

from slipway.errors import SlipwayError

Header = tuple[bytes, bytes]


class AccessError(SlipwayError):
    """A request that is not let in; `status` and `code` are HTTP's and MLflow's words for it."""

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
    """No key, token, or password and code that is valid now."""

    @property
    def headers(self) -> tuple[Header, ...]:
        return ((b"www-authenticate", b'Bearer realm="slipway"'),)


class ForbiddenError(AccessError):
    """The caller is known, but lacks the role for this model."""

    status = 403
    code = "PERMISSION_DENIED"


class LockedOutError(AccessError):
    """Too many wrong passwords for this name or from this address; `retry_after` tells when to try again."""

    status = 429
    code = "REQUEST_LIMIT_EXCEEDED"


class UndecidedError(AccessError):
    """Who the caller is cannot be found out now: the provider or the access file cannot be read, or too many sign in at once."""

    status = 503
    code = "TEMPORARILY_UNAVAILABLE"
