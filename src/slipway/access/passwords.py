"""Passwords: argon2id with the library's defaults (64 MB and three passes a password), which change with it."""

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
    """The password would be guessed."""


def require_strong(name: str, password: str) -> None:
    """Return when a user may have this password.

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
    """Tell whether it is the password. None, for a user who does not exist, takes as long and is false.

    Takes 64 MB and about 0.1 s of several cores; call it in a thread.
    """
    from argon2.exceptions import InvalidHashError, VerificationError

    text = _normal(password[:LONGEST])
    if stored is None:
        _hasher().hash(_bytes(text))  # the work of a check
        return False
    try:
        return _hasher().verify(stored, _bytes(text)) and len(password) <= LONGEST
    except (VerificationError, InvalidHashError):
        return False


def outdated(stored: str) -> bool:
    """Tell whether the hash was made with other parameters than today's."""
    return _hasher().check_needs_rehash(stored)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)  # keyboards differ in how they compose an accent


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # half a character is a wrong password, not a failure
