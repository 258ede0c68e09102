"""When keys and users were last used: the time of change of an empty file for each, in `<home>/gateway/last-use`.

The file of users and keys would be the wrong place: each change of it is durable, waits for a lock, and is read again by every worker.
Here workers need no lock, because each only sets the time of a file, and a later time is always right.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

from slipway.access.callers import Caller
from slipway.files.private import private_folder
from slipway.files.readers import HangingError, Readers

FOLDER = Path("gateway") / "last-use"
EXACT = 60.0  # seconds; a use that comes sooner after the stored one is not stored
PAUSE = 1.0
PATIENCE = 10.0

logger = logging.getLogger(__name__)


class LastUse:
    """Notes who called this worker, and stores it beside the requests. For one event loop."""

    def __init__(self, home: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder, self._clock = home / FOLDER, clock
        self._noted: set[Caller] = set()
        self._stored: dict[str, float] = {}
        self._writers = Readers(PATIENCE)

    def note(self, caller: Caller) -> None:
        """Note that a caller was here, in memory."""
        self._noted.add(caller)

    async def follow(self) -> None:
        """Store what was noted, at most once a minute for each key and user, until cancelled."""
        while True:
            await self.store()
            await asyncio.sleep(PAUSE)

    async def store(self) -> None:
        """Store what was noted since the last time. What cannot be stored is logged, and tried again after a minute."""
        noted, self._noted, now = self._noted, set(), self._clock()
        names = {f"{caller.kind}-{caller.name}" for caller in noted if caller.kind != "oidc"}
        if not (due := {name for name in names if now - self._stored.get(name, 0.0) >= EXACT}):
            return
        self._stored |= dict.fromkeys(due, now)
        try:
            await self._writers.read("the times of last use", lambda: _touch(self._folder, due, now))
        except (HangingError, OSError) as error:
            logger.warning("when keys and users were last used is not stored: %s", error)


def last_uses(home: Path) -> dict[str, float]:
    """Return when each key and user was last used, in Unix seconds, by `key-NAME` and `user-NAME`. Raises OSError."""
    folder = home / FOLDER
    if not folder.is_dir():
        return {}
    with os.scandir(folder) as files:
        return {file.name: file.stat().st_mtime for file in files}


def since(created: str, used: float | None) -> float | None:
    """Return a last use, or None if it was before a record was made: of an earlier holder of the name, or of the key before it was rotated.

    Args:
        created: When the record was made, as it says.
    """
    return used if used is not None and used >= datetime.fromisoformat(created).timestamp() else None


def _touch(folder: Path, names: Collection[str], now: float) -> None:
    private_folder(folder)
    for name in names:
        path = folder / name
        path.touch(mode=0o600)
        os.utime(path, (now, now))
