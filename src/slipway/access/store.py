"""The access file as the gateway sees it, checked for changes at most every 0.2 s, so most requests cost no disk access."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path

from slipway.access.callers import Caller, Grant, InvalidGrantError, Kind
from slipway.access.records import ACCESS, OLD_KEYS, AccessFile, DamagedAccessFileError, User, read
from slipway.access.refusals import UndecidedError

FRESH = 0.2
PUT_BACK = "Put it back, or run `slipway up`, which makes its key again."
Stamp = tuple[str, int, int, int]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Holder:
    """The caller who has a key; `expires` is in Unix seconds."""

    caller: Caller
    expires: float | None


@dataclass(frozen=True, slots=True)
class AccessSnapshot:
    """The file's content at one time, ready for look-ups; keys are by their sha256. Each change of the file makes a new object."""

    keys: dict[bytes, Holder] = field(default_factory=dict, repr=False)
    users: dict[str, User] = field(default_factory=dict, repr=False)
    callers: dict[str, Caller] = field(default_factory=dict)
    session_secret: str = field(default="", repr=False)
    ended: frozenset[str] = frozenset()

    @classmethod
    def of(cls, content: AccessFile) -> AccessSnapshot:
        """Raises InvalidGrantError."""
        keys = {bytes.fromhex(key.sha256): Holder(_caller(name, "key", key.grants), key.expires) for name, key in content.keys.items()}
        callers = {name: _caller(name, "user", user.grants) for name, user in content.users.items()}
        return cls(
            keys=keys,
            users=content.users,
            callers=callers,
            session_secret=content.session_secret,
            ended=frozenset(content.ended),
        )


class AccessStore:
    """Reads the access file of a home folder. For one thread."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._snapshot: AccessSnapshot | None = AccessSnapshot()
        self._stamp: Stamp | None = None
        self._looked = float("-inf")
        self._removed = False

    def current(self) -> AccessSnapshot:
        """Return the content as it was at most 0.2 s ago.

        Raises:
            UndecidedError: The file is damaged; the log says what is wrong.
        """
        if time.monotonic() - self._looked >= FRESH:
            return self.look()
        return self._valid()

    def look(self) -> AccessSnapshot:
        """Return the content as it is now; see `current`."""
        self._looked = time.monotonic()
        if (stamp := self._find()) != self._stamp:
            self._removed, self._stamp = stamp is None, stamp
            if self._removed:
                logger.error("all keys and users are refused: %s was removed. %s", self._home / ACCESS, PUT_BACK)
            try:
                self._snapshot = AccessSnapshot.of(read(self._home))
            except (DamagedAccessFileError, InvalidGrantError) as error:
                self._snapshot = None
                logger.error("all requests are refused until the access file is repaired: %s", error)
        return self._valid()

    def problem(self) -> str | None:
        """Return why no caller is known, if the file was removed or is damaged."""
        try:
            self.look()
        except UndecidedError:
            return f"{ACCESS.name} is damaged, so all requests are refused; the log says what to do"
        return f"{ACCESS.name} was removed, so all keys and users are refused. {PUT_BACK}" if self._removed else None

    def _valid(self) -> AccessSnapshot:
        if self._snapshot is None:
            raise UndecidedError(
                "all requests are refused: the gateway's file of users and keys is damaged, and its log says what to do. Ask the operator.",
                retry_after=5,
            )
        return self._snapshot

    def _find(self) -> Stamp | None:
        for path in (self._home / ACCESS, self._home / OLD_KEYS):
            try:
                found = path.stat()
            except OSError:
                continue
            return path.name, found.st_ino, found.st_mtime_ns, found.st_size
        return None


def _caller(name: str, kind: Kind, grants: tuple[str, ...]) -> Caller:
    return Caller(name, kind, frozenset(map(Grant.parse, grants)))
