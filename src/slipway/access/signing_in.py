"""Signing in with a password and, if the user has a second factor, a code that was not used before: of the app, or for recovery."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import NamedTuple

import msgspec

from slipway.access import passwords
from slipway.access.records import AccessFile, User, change
from slipway.access.recovery_codes import digest_of
from slipway.access.refusals import UnauthenticatedError
from slipway.access.second_factor import used_step
from slipway.access.store import AccessSnapshot


class Proof(NamedTuple):
    """What proves the second factor: the step of an app's code, or the hash of a recovery code."""

    step: int
    recovery: str | None = None


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
    proof = _proof(user, code, now)
    digest = passwords.hashed(password) if passwords.outdated(user.password) else user.password
    if proof == Proof(user.last_step) and digest == user.password and known.session_secret:
        return user, known.session_secret
    content = change(home, lambda stored: _noted(stored, name, user, digest, proof))
    return content.users[name], content.session_secret


def wrong() -> UnauthenticatedError:
    return UnauthenticatedError(
        "name, password or code is wrong. A user with a second factor sends `code` too; a code is valid once, so wait for the next."
    )


def _proof(user: User, code: str | None, now: float) -> Proof:
    if user.second_factor is None:
        return Proof(user.last_step)
    if (step := used_step(user.second_factor, code, now, user.last_step)) is not None:
        return Proof(step)
    if (recovery := digest_of(code or "")) in user.recovery:
        return Proof(user.last_step, recovery)
    raise wrong()


def _noted(content: AccessFile, name: str, seen: User, digest: str, proof: Proof) -> AccessFile:
    """Raises UnauthenticatedError if the user was changed, or the code used, since `seen` was read."""
    user = content.users.get(name)
    if user is None or user.generation != seen.generation or (user.second_factor and _was_used(user, proof)):
        raise wrong()
    recovery = tuple(stored for stored in user.recovery if stored != proof.recovery)
    step = max(user.last_step, proof.step)
    users = content.users | {name: msgspec.structs.replace(user, password=digest, last_step=step, recovery=recovery)}
    return msgspec.structs.replace(content, users=users, session_secret=content.session_secret or secrets.token_hex(32))


def _was_used(user: User, proof: Proof) -> bool:
    return proof.step <= user.last_step if proof.recovery is None else proof.recovery not in user.recovery
