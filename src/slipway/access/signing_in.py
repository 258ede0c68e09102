"""Signing in with a password and, if the user has a second factor, a code that was not used before."""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec

from slipway.access import passwords
from slipway.access.records import AccessFile, User, change
from slipway.access.refusals import UnauthenticatedError
from slipway.access.second_factor import used_step
from slipway.access.store import AccessSnapshot


def sign_in(home: Path, known: AccessSnapshot, name: str, password: str, code: str | None, now: float) -> tuple[User, str]:
    """Return the user and the secret that signs sessions. The code is then used, for every worker of the gateway.

    It takes about 0.1 s and 64 MB, also for a user who does not exist; call it in a thread.

    Args:
        known: The file of users and keys as it is now. The file itself is opened only for a change.
        now: Unix seconds.

    Raises:
        UnauthenticatedError: Something is wrong; the message is always the same.
        SlipwayError: The access file is damaged or cannot be written.
    """
    user = known.users.get(name)
    right = passwords.matches(user.password if user else None, password)
    if user is None or not right:
        raise wrong()
    step = _step(user, code, now)
    digest = passwords.hashed(password) if passwords.outdated(user.password) else user.password
    if step == user.last_step and digest == user.password and known.session_secret:
        return user, known.session_secret
    content = change(home, lambda stored: _noted(stored, name, user, digest, step))
    return content.users[name], content.session_secret


def wrong() -> UnauthenticatedError:
    return UnauthenticatedError(
        "name, password or code is wrong. A user with a second factor sends `code` too; a code is valid once, so wait for the next."
    )


def _step(user: User, code: str | None, now: float) -> int:
    if user.second_factor is None:
        return user.last_step
    if (step := used_step(user.second_factor, code, now, user.last_step)) is None:
        raise wrong()
    return step


def _noted(content: AccessFile, name: str, seen: User, digest: str, step: int) -> AccessFile:
    """Raises UnauthenticatedError if the user was changed, or the code used, since `seen` was read."""
    user = content.users.get(name)
    if user is None or user.generation != seen.generation or (user.second_factor and step <= user.last_step):
        raise wrong()
    users = content.users | {name: msgspec.structs.replace(user, password=digest, last_step=step)}
    return msgspec.structs.replace(content, users=users, session_secret=content.session_secret or secrets.token_hex(32))
