"""API keys. Only the sha256 of a key is stored, so the file reveals no key.

A plain hash is enough because keys are long and random, so nobody can guess them. For the same reason `add` refuses short ones.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from slipway.access.callers import ADMINISTER, Grant, InvalidGrantError, as_stored, check_name, require_unchanged
from slipway.access.records import AccessFile, ApiKey, change, read
from slipway.errors import SlipwayError

SHORTEST = 20
DAY = 86_400
OWN = (Grant("predict"), Grant("outcome"), Grant("operate"))
"""The roles of this machine's own programs. Only people may see the identifiers of patients, so `audit` is not among them."""


class WeakKeyError(SlipwayError, ValueError):
    """The key is so short that it can be guessed from its hash."""


class KeyNameTakenError(SlipwayError, ValueError):
    """There is a key of that name."""


class UnknownKeyError(SlipwayError, LookupError):
    """There is no key of that name."""


def generate() -> str:
    """Return a new key of 256 random bits."""
    return "slw_" + secrets.token_urlsafe(32)


def digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def add(home: Path, name: str, key: str, grants: Iterable[Grant] = OWN) -> None:
    """Store `key` under `name`; an earlier key of that name stops working within a second.

    Raises:
        WeakKeyError: The key has fewer than 20 characters.
        InvalidNameError, InvalidGrantError: See `slipway.access.callers`.
    """
    if len(key) < SHORTEST:
        raise WeakKeyError(
            f"API key of {name!r}: expected {SHORTEST} characters or more, received {len(key)}. "
            "Leave SLIPWAY_API_KEY empty, and `slipway up` makes one, or set it to a long random text."
        )
    record = _record(key, _stored(grants), None, "")
    check_name(name)
    change(home, lambda content: _with(content, name, record))


def issue(home: Path, name: str, grants: Iterable[Grant], days: float | None = None, owner: str = "") -> str:
    """Make a key and return it, this once; it expires after `days`, if given.

    Args:
        owner: The user for whom it is, and on whose page it is listed; "" for none.

    Raises:
        KeyNameTakenError: There is a key of that name, which stays as it was.
        InvalidNameError, InvalidGrantError: See `slipway.access.callers`.
    """
    key, stored = generate(), _stored(grants)
    expires = None if days is None else time.time() + days * DAY
    require_new(home, name)

    def edit(content: AccessFile) -> AccessFile:
        _require_new(content, name)
        return _with(content, name, _record(key, stored, expires, owner))

    change(home, edit)
    return key


def rotate(home: Path, name: str) -> str:
    """Return a new key of that name, with its roles and expiry; the old one stops working within a second.

    Raises:
        UnknownKeyError: There is no key of that name.
    """
    key = generate()

    def edit(content: AccessFile) -> AccessFile:
        old = _known(content, name)
        return _with(content, name, _record(key, old.grants, old.expires, old.owner))

    change(home, edit)
    return key


def grant(home: Path, name: str, grants: Iterable[Grant], *, seen: Collection[str] | None = None) -> None:
    """Replace the roles of a key.

    Args:
        seen: The roles so far, as the person has seen them who changes them; None if that does not matter.
    Raises:
        UnknownKeyError, InvalidGrantError, GrantsChangedError: Nothing was changed.
    """
    stored = _stored(grants)

    def edit(content: AccessFile) -> AccessFile:
        key = _known(content, name)
        require_unchanged(name, key.grants, seen)
        return _with(content, name, msgspec.structs.replace(key, grants=stored))

    change(home, edit)


def revoke(home: Path, name: str) -> None:
    """Remove a key; it stops working within a second. Raises UnknownKeyError."""

    def edit(content: AccessFile) -> AccessFile:
        _known(content, name)
        return msgspec.structs.replace(content, keys={other: key for other, key in content.keys.items() if other != name})

    change(home, edit)


def listed(home: Path) -> dict[str, ApiKey]:
    """Return every key's record, by name."""
    return dict(sorted(read(home).keys.items()))


def holder(home: Path, key: str) -> str | None:
    """Return the name under which a key is stored."""
    sent = digest(key.encode()).hex()
    return next((name for name, stored in read(home).keys.items() if stored.sha256 == sent), None)


def require_new(home: Path, name: str) -> None:
    """Require that a key of that name can be made. Raises KeyNameTakenError, InvalidNameError."""
    _require_new(read(home), check_name(name))


def require_allowed(grants: Iterable[Grant]) -> None:
    """Require that a key may have these roles. Raises InvalidGrantError."""
    if Grant(ADMINISTER) in grants:
        raise InvalidGrantError(
            f"role {ADMINISTER!r}: expected a user, received a key. Only people administer, each with a second factor: "
            f"`slipway users add NAME --role {ADMINISTER}`."
        )


def known(home: Path, name: str) -> ApiKey:
    """Return a key's record. Raises UnknownKeyError."""
    return _known(read(home), name)


def _stored(grants: Iterable[Grant]) -> tuple[str, ...]:
    """Return the grants of a key as they are stored. Raises InvalidGrantError: there are none, or a key may not have them."""
    found = tuple(grants)
    require_allowed(found)
    return as_stored(found)


def _require_new(content: AccessFile, name: str) -> None:
    if name in content.keys:
        way_out = f"`slipway keys rotate {name}` replaces it, `slipway keys roles {name}` changes its roles."
        raise KeyNameTakenError(f"there is a key called {name!r}. {way_out}")


def _record(key: str, grants: tuple[str, ...], expires: float | None, owner: str) -> ApiKey:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return ApiKey(sha256=digest(key.encode()).hex(), grants=grants, created=created, expires=expires, owner=owner)


def _with(content: AccessFile, name: str, record: ApiKey) -> AccessFile:
    return msgspec.structs.replace(content, keys=content.keys | {name: record})


def _known(content: AccessFile, name: str) -> ApiKey:
    if name not in content.keys:
        raise UnknownKeyError(f"no key is called {name[:80]!r}; there are: {', '.join(sorted(content.keys)) or 'none'}.")
    return content.keys[name]
