"""The access file as the gateway sees it, checked for changes every 0.1 s, so most requests cost no disk access."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from slipway.access.callers import Caller, Grant, InvalidGrantError, Kind
from slipway.access.records import ACCESS, OLD_KEYS, AccessFile, ApiKey, DamagedAccessFileError, OpenSession, User, read
from slipway.access.refusals import UndecidedError
from slipway.errors import SlipwayError
from slipway.files.readers import HangingError, Readers

FRESH = 0.2
PATIENCE = 2.0  # seconds that one look may take
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
    """The file's content at one time, ready for look-ups; keys are by their sha256, `records` by name. A change makes a new object."""

    keys: dict[bytes, Holder] = field(default_factory=dict, repr=False)
    users: dict[str, User] = field(default_factory=dict, repr=False)
    callers: dict[str, Caller] = field(default_factory=dict)
    session_secret: str = field(default="", repr=False)
    ended: frozenset[str] = frozenset()
    sessions: dict[str, OpenSession] = field(default_factory=dict, repr=False)
    records: dict[str, ApiKey] = field(default_factory=dict, repr=False)

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
            sessions=content.sessions,
            records=content.keys,
        )


class AccessStore:
    """Reads the access file of a home folder, in threads of its own, because the disk may hang. For one event loop."""

    def __init__(self, home: Path, patience: float = PATIENCE) -> None:
        self._home = home
        self._readers = Readers(patience)
        self._snapshot: AccessSnapshot | None = AccessSnapshot()
        self._stamp: Stamp | None = None
        self._looked = float("-inf")
        self._looking = asyncio.Lock()
        self._removed, self._hanging = False, False

    def recent(self) -> AccessSnapshot | None:
        """Return the content as it was at most 0.2 s ago, None if nobody has looked since. Raises UndecidedError as `look` does."""
        return self._valid() if time.monotonic() - self._looked < FRESH else None

    async def look(self) -> AccessSnapshot:
        """Return the content as it is now.

        Raises:
            UndecidedError: The file is damaged, or cannot be read in time; the log says what is wrong.
        """
        async with self._looking:
            try:
                stamp, found = await self._readers.read("the file of users and keys", self._read)
            except HangingError as error:
                if not self._hanging:
                    logger.error("all requests are refused until the access file can be read: %s", error)
                self._hanging = True
            else:
                self._hanging = False
                self._take(stamp, found)
            self._looked = time.monotonic()
        return self._valid()

    def users(self) -> Iterable[str]:
        """Return the names of the users, as they were last read."""
        return self._snapshot.users if self._snapshot else ()

    async def follow(self) -> None:
        """Look before the content is no longer recent, until cancelled. So a request looks only if this comes late."""
        while True:
            with suppress(UndecidedError):
                await self.look()
            await asyncio.sleep(FRESH / 2)

    def problem(self) -> str | None:
        """Return why no caller is known, if the file was removed, is damaged or cannot be read."""
        if self._hanging:
            return f"{ACCESS.name} cannot be read, so all requests are refused; the log says what to do"
        if self._snapshot is None:
            return f"{ACCESS.name} is damaged, so all requests are refused; the log says what to do"
        return f"{ACCESS.name} was removed, so all keys and users are refused. {PUT_BACK}" if self._removed else None

    def _read(self) -> tuple[Stamp | None, AccessSnapshot | SlipwayError | None]:
        """Return the file's stamp and its content, or what is wrong with it; None for the content if it is the one of before.

        What was wrong may pass, such as that no descriptor was free, so then it is read again.
        """
        if (stamp := self._find()) == self._stamp and self._snapshot is not None:
            return stamp, None
        try:
            return stamp, AccessSnapshot.of(read(self._home))
        except (DamagedAccessFileError, InvalidGrantError) as error:
            return stamp, error

    def _take(self, stamp: Stamp | None, found: AccessSnapshot | SlipwayError | None) -> None:
        if found is None:
            return
        known, self._stamp, self._removed = stamp == self._stamp, stamp, stamp is None
        if self._removed and not known:
            logger.error("all keys and users are refused: %s was removed. %s", self._home / ACCESS, PUT_BACK)
        if isinstance(found, SlipwayError):
            self._snapshot = None
            if not known:
                logger.error("all requests are refused until the access file is repaired: %s", found)
        else:
            self._snapshot = found

    def _valid(self) -> AccessSnapshot:
        if self._snapshot is None or self._hanging:
            what = "cannot be read" if self._hanging else "is damaged"
            raise UndecidedError(
                f"all requests are refused: the gateway's file of users and keys {what}, and its log says what to do. Ask the operator.",
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
