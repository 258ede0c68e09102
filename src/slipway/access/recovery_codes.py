"""Recovery codes: ten codes, each valid once, for a person who has lost the authenticator app. Only their sha256 is stored.

A plain hash is enough: a code has 60 random bits, and attempts to sign in are slowed down and locked.
"""

from __future__ import annotations

import hashlib
import re
import secrets

NUMBER = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without i, l, o, 0 and 1, which are confused when they are read from paper
GROUPS, LENGTH = 3, 4
FORM = re.compile(f"[{LETTERS}]{{{GROUPS * LENGTH}}}")


def new_codes() -> list[str]:
    """Return new codes, such as `k7fm-x2qa-9tbd`. They are shown once."""
    return ["-".join("".join(secrets.choice(LETTERS) for _ in range(LENGTH)) for _ in range(GROUPS)) for _ in range(NUMBER)]


def digest_of(code: str) -> str | None:
    """Return the hash of a code, however it was typed: with spaces, dashes or capital letters. None if it is no recovery code."""
    plain = re.sub(r"[\s-]", "", code.lower())
    return hashlib.sha256(plain.encode()).hexdigest() if FORM.fullmatch(plain) else None


def digests(codes: list[str]) -> tuple[str, ...]:
    return tuple(found for code in codes if (found := digest_of(code)))
