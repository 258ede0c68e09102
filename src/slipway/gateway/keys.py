"""API keys by name, for callers that know no roles; `slipway.access` holds them, and its `Gatekeeper` knows users and tokens too."""

from __future__ import annotations

import time
from pathlib import Path

from slipway.access.keys import WeakKeyError, add, digest, generate
from slipway.access.keys import revoke as remove
from slipway.access.records import ACCESS as KEYS
from slipway.access.refusals import UndecidedError
from slipway.access.store import Store

__all__ = ["KEYS", "Keys", "WeakKeyError", "add", "generate", "remove"]


class Keys:
    """The keys that are valid now."""

    def __init__(self, home: Path) -> None:
        self._store = Store(home)

    def authorize(self, authorization: bytes | None) -> str | None:
        """Return the name behind an `Authorization: Bearer <key>` header, or None when it does not let anyone in."""
        try:
            keys = self._store.current().keys
        except UndecidedError:
            return None
        scheme, _, key = (authorization or b"").partition(b" ")
        holder = keys.get(digest(key.strip())) if scheme.lower() == b"bearer" else None
        return holder.caller.name if holder and (holder.expires is None or time.time() < holder.expires) else None
