"""Sessions: a short-lived token that a user gets for a password and a code.

The token is a JWT, signed with a secret of the access file. It names the user but no roles: roles are looked up when it is used, so they
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
    """The token for the user; `expires_in` is in seconds."""

    token: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True, slots=True)
class Session:
    """The content of a token; `expires` is in Unix seconds."""

    id: str
    user: str
    generation: str
    expires: float


def opened(name: str, user: User, secret: str, minutes: float) -> Opened:
    """Return a new token for the user, signed with `secret`."""
    import jwt

    now, seconds = int(time.time()), round(minutes * 60)
    claims = {"iss": ISSUER, "sub": name, "iat": now, "exp": now + seconds, "jti": secrets.token_hex(16), "gen": user.generation}
    return Opened(PREFIX + jwt.encode(claims, secret, ALGORITHM), seconds)


def read(token: str, secret: str) -> Session:
    """Return the content of a token whose signature and times are valid.

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
    return Session(id=claims["jti"], user=claims["sub"], generation=claims["gen"], expires=claims["exp"])


def over() -> UnauthenticatedError:
    """Return the same error for every session that is not valid, so that it reveals nothing more."""
    return UnauthenticatedError("this session is over, or never was one. Sign in again: POST /sessions with name, password and code.")
