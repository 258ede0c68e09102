"""Sessions: a short-lived token that a user has bought with a password and code.

The token is a JWT, signed with a secret of the access file. It names the user and no roles: those are looked up when it is used, so they
can change while it is valid.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from slipway.access.records import User
from slipway.access.refusals import UnauthenticatedError

PREFIX = "sls_"
ALGORITHM = "HS256"
ISSUER = "slipway"


@dataclass(frozen=True, slots=True)
class Opened:
    """What the user gets; `expires_in` is in seconds."""

    token: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True, slots=True)
class Session:
    """What a token says; `expires` is in Unix seconds."""

    id: str
    user: str
    generation: str
    expires: float


def opened(name: str, user: User, secret: str, minutes: float) -> Opened:
    """Return a new token of the user, signed with `secret`."""
    import jwt

    now, seconds = int(time.time()), round(minutes * 60)
    claims = {"iss": ISSUER, "sub": name, "iat": now, "exp": now + seconds, "jti": secrets.token_hex(16), "gen": user.generation}
    return Opened(PREFIX + jwt.encode(claims, secret, ALGORITHM), seconds)


def read(token: str, secret: str) -> Session:
    """Return what a token says, once its signature and its times are known to be right.

    Raises:
        UnauthenticatedError: They are not, or nobody has ever signed in here.
    """
    import jwt

    try:
        if not secret:
            raise jwt.InvalidSignatureError
        claims = jwt.decode(
            token.removeprefix(PREFIX),
            secret,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            options={"require": ["iss", "sub", "iat", "exp", "jti", "gen"]},
        )
    except jwt.PyJWTError:
        raise over() from None
    return Session(claims["jti"], claims["sub"], claims["gen"], claims["exp"])


def over() -> UnauthenticatedError:
    """The one answer for every session that does not count, so that it tells nothing more."""
    return UnauthenticatedError("this session is over, or was never one. Sign in again: POST /sessions with name, password and code.")
