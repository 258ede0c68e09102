"""Subject ids: a keyed pseudonym links the lines of one person, and the id itself is encrypted.

The pseudonym is HMAC-SHA256 (RFC 2104): without its key, ids cannot be guessed by trial. The id is encrypted with AES-256-GCM, with a
random nonce and bound to its line: in another line, it cannot be decrypted. A ring contains the generations of keys, newest last: the last
one encrypts, and all of them decrypt.
"""

from __future__ import annotations

import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from slipway.audit.errors import AuditError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY = 32
NONCE = 12  # random nonces are safe for 2**32 lines a key


class Generation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One pair of keys, 32 bytes each."""

    id: str
    created_at: str
    encryption: bytes
    pseudonym: bytes

    def __repr__(self) -> str:
        return f"Generation({self.id}, {self.created_at})"


class Ring:
    """At least one generation of keys, oldest first."""

    def __init__(self, generations: Sequence[Generation]) -> None:
        if not generations or any(len(key) != KEY for made in generations for key in (made.encryption, made.pseudonym)):
            raise AuditError(f"expected one generation of keys or more, with {KEY} bytes each.")
        self.generations = tuple(generations)
        self._ciphers = {made.id: _cipher(made.encryption) for made in generations}

    @property
    def newest(self) -> Generation:
        return self.generations[-1]

    def seal(self, subject: str, line: str) -> tuple[str, str, str]:
        """Return the pseudonym, the encrypted id and the generation for the line `line`."""
        nonce = os.urandom(NONCE)
        sealed = self._ciphers[self.newest.id].encrypt(nonce, subject.encode(), line.encode())
        return _pseudonym(self.newest, subject), b64encode(nonce + sealed).decode(), self.newest.id

    def open(self, sealed: str, generation: str, line: str) -> str:
        """Return the decrypted subject id of a line.

        Raises:
            AuditError: Its key is not in the ring, or the line was altered.
        """
        from cryptography.exceptions import InvalidTag

        if generation not in self._ciphers:
            raise AuditError(f"prediction {line}: the ring has no key {generation!r}; restore the key file that had it.")
        try:
            content = b64decode(sealed, validate=True)
            return self._ciphers[generation].decrypt(content[:NONCE], content[NONCE:], line.encode()).decode()
        except (InvalidTag, ValueError):
            raise AuditError(f"prediction {line}: the encrypted subject id was altered, or is another line's.") from None

    def pseudonyms(self, subject: str) -> list[str]:
        """Return the pseudonyms of a subject, one for each key; there are several only until a rotation is finished."""
        return list(dict.fromkeys(_pseudonym(made, subject) for made in self.generations))


def generation(pseudonym: bytes | None = None) -> Generation:
    """Return new keys, or a new key for encryption beside an old one for pseudonyms."""
    created_at = datetime.now(UTC).isoformat(timespec="seconds")
    return Generation(os.urandom(6).hex(), created_at, os.urandom(KEY), pseudonym or os.urandom(KEY))


def _pseudonym(made: Generation, subject: str) -> str:
    return hmac.digest(made.pseudonym, subject.encode(), "sha256").hex()


def _cipher(key: bytes) -> AESGCM:
    # Imported for the first subject id: it takes 6 MB.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
