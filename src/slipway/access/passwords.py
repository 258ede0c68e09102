"""Passwords: argon2id with the library's current defaults (64 MB and three passes a password)."""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from slipway.errors import SlipwayError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 256
ADVICE = "Four random words do well."
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without i, l, o, 0 and 1, which are confused when they are read from paper
GROUPS, LENGTH = 4, 4


class WeakPasswordError(SlipwayError, ValueError):
    """The password is easy to guess."""


def require_strong(name: str, password: str) -> None:
    """Require that a password is strong enough for a user.

    Raises:
        WeakPasswordError: It has fewer than 12 characters or more than 256, fewer than 5 different ones, or the user's name in it.
    """
    text = _normal(password)
    if not SHORTEST <= len(text) <= LONGEST:
        raise WeakPasswordError(f"password: expected {SHORTEST} to {LONGEST} characters, received {len(text)}. {ADVICE}")
    if name.lower() in text.lower() or len(set(text)) < 5:
        raise WeakPasswordError(f"password: expected 5 different characters or more, and not the user's name. {ADVICE}")


def generate(name: str) -> str:
    """Return a new strong password of 79 random bits for a user, such as `k7fm-x2qa-9tbd-u4hc`."""
    while True:
        password = "-".join("".join(secrets.choice(LETTERS) for _ in range(LENGTH)) for _ in range(GROUPS))
        try:
            require_strong(name, password)
        except WeakPasswordError:  # the name is a letter of it
            continue
        return password


def hashed(password: str) -> str:
    """Return the argon2id hash of a password, with a salt of its own."""
    return _hasher().hash(_bytes(_normal(password)))


def matches(stored: str | None, password: str) -> bool:
    """Return whether the password is the stored one. For None, a user who does not exist, it is false after the same time.

    It needs 64 MB and about 0.1 s of several cores; call it in a thread.
    """
    from argon2.exceptions import InvalidHashError, VerificationError

    text = _normal(password[:LONGEST])
    if stored is None:
        _hasher().hash(_bytes(text))  # takes as long as a check
        return False
    try:
        return _hasher().verify(stored, _bytes(text)) and len(password) <= LONGEST
    except (VerificationError, InvalidHashError):
        return False


def outdated(stored: str) -> bool:
    """Return whether the hash was made with other parameters than the library's current ones."""
    return _hasher().check_needs_rehash(stored)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)  # keyboards compose accents in different ways


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # half a character makes the password wrong, and must not fail here
