"""API keys: who may ask. Only the sha256 of a key is stored, so the file gives no key away.

A plain hash is enough because keys are random and long: there is nothing to guess from. For the same reason `add` refuses short ones.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from slipway.errors import SlipwayError

KEYS = Path("gateway") / "keys.json"
SHORTEST = 20
FRESH = 0.2

logger = logging.getLogger(__name__)
Stamp = tuple[int, int, int]


class WeakKeyError(SlipwayError, ValueError):
    """The key is short enough to be found from its hash."""


class StoredKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A caller's name and the sha256 of its key, in hexadecimal."""

    name: str
    sha256: str
    created_at: str


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `<home>/gateway/keys.json`."""

    keys: tuple[StoredKey, ...] = ()


def generate() -> str:
    """Return a new key of 256 random bits."""
    return "slw_" + secrets.token_urlsafe(32)


def add(home: Path, name: str, key: str) -> None:
    """Let the holder of `key` in under `name`; an earlier key of that name stops working within a second.

    Raises:
        WeakKeyError: The key has fewer than 20 characters.
    """
    if len(key) < SHORTEST:
        raise WeakKeyError(
            f"API key of {name!r}: expected {SHORTEST} characters or more, received {len(key)}. "
            "Leave SLIPWAY_API_KEY empty and `slipway up` makes one, or set it to a long random text."
        )
    added = StoredKey(name, _digest(key.encode()), datetime.now(UTC).isoformat(timespec="seconds"))
    _rewrite(home, name, (added,))


def remove(home: Path, name: str) -> None:
    """Revoke the key of `name`, if there is one; it stops working within a second."""
    _rewrite(home, name, ())


class Keys:
    """The keys that are valid now: the file is looked at at most every 0.2 s, so most requests cost no disk access."""

    def __init__(self, home: Path) -> None:
        self._path = home / KEYS
        self._stored: tuple[StoredKey, ...] = ()
        self._stamp: Stamp | None = None
        self._looked = float("-inf")

    def authorize(self, authorization: bytes | None) -> str | None:
        """Return the name behind an `Authorization: Bearer <key>` header, or None when it does not let anyone in."""
        self._refresh()
        scheme, _, key = (authorization or b"").partition(b" ")
        if scheme.lower() != b"bearer" or not key.strip():
            return None
        digest, holder = _digest(key.strip()), None
        for stored in self._stored:  # always to the end: the time taken must not tell which key came close
            if hmac.compare_digest(stored.sha256, digest):
                holder = stored.name
        return holder

    def _refresh(self) -> None:
        if (now := time.monotonic()) - self._looked < FRESH:
            return
        self._looked = now
        if (stamp := _stamp(self._path)) != self._stamp:
            self._stamp = stamp
            try:
                self._stored = _read(self._path).keys
            except (SlipwayError, OSError) as error:
                self._stored = ()
                logger.error("every request is refused until the key file is repaired: %s", error)


def _digest(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read(path: Path) -> KeyFile:
    if not path.exists():
        return KeyFile()
    try:
        return msgspec.json.decode(path.read_bytes(), type=KeyFile)
    except msgspec.MsgspecError as error:
        raise SlipwayError(f"{path}: not a key file ({error}). Delete it and run `slipway up`, which makes a new key.") from None


def _rewrite(home: Path, name: str, replacement: tuple[StoredKey, ...]) -> None:
    from filelock import FileLock

    path = home / KEYS
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        keys = (*(stored for stored in _read(path).keys if stored.name != name), *replacement)
        descriptor, scratch = tempfile.mkstemp(prefix=".keys-", dir=path.parent)  # readable by its owner only
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(KeyFile(keys)), indent=1))
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
