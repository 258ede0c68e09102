"""Passwords: argon2id with the library's current defaults (64 MB and three passes a password)."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from slipway.errors import SlipwayError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 256
ADVICE = "Four random words do well."


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
