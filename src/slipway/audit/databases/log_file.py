"""Whether the file of an SQLite log is still in its place.

SQLite does not notice that its file was removed. It goes on to write to a file without a name, whose lines are lost when the process ends.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from slipway.audit.errors import LogLostError

BESIDE = ("-wal", "-shm")  # SQLite's own files beside the log
FRESH = 0.1  # seconds between two looks at the files beside it; the log itself is looked at before every commit

Identity = tuple[int, int]


class LogFile:
    """The file that this process writes its log to. All stores of a process share it; any thread may use it.

    It is known from the start or, if there was none, from the first opening. If the same file is put back, the log goes on.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._text = path, str(path)  # `stat` takes a text in half the time
        found = _stat(path)
        self._known = _identity(found)
        self._size = found.st_size if found else 0
        self._beside: dict[Path, Identity | None] = {}
        self._open = 0
        self._cut = False
        self._looked = float("-inf")

    def opened(self) -> None:
        """Remember the files that were just opened."""
        self._open += 1
        self._known = self._known or _identity(_stat(self.path))
        self._beside = {path: _identity(_stat(path)) for path in map(self._named, BESIDE)}

    def closed(self) -> None:
        """Forget the files beside the log when its last store is closed, because SQLite then removes them."""
        self._open -= 1
        if not self._open:
            self._beside = {}

    def problem(self) -> str | None:
        """Return what happened to the file, None if it is as it was. It costs one `stat`."""
        found = _stat(self._text)
        if why := self._known and _difference(self.path, self._known, found):
            return why
        if found and (self._cut or found.st_size < self._size):
            self._cut = True  # for good: SQLite has pages of the longer file in memory
            return f"{self.path.name} was cut short"
        self._size = found.st_size if found else 0
        if (now := time.monotonic()) - self._looked < FRESH:
            return None
        for path, known in self._beside.items():
            if why := known and _difference(path, known, _stat(path)):
                return why
        self._looked = now
        return None

    def require(self) -> None:
        """Raises: LogLostError: the file is not the one that this process began with."""
        if why := self.problem():
            raise LogLostError(f"{why} while it was in use. Put the same file back, or restart the gateway to go on without it.")

    def _named(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)


def _difference(path: Path, known: Identity, found: os.stat_result | None) -> str | None:
    if found is None:
        return f"{path.name} was removed"
    return None if _identity(found) == known else f"{path.name} was replaced by another file"


def _stat(path: Path | str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _identity(found: os.stat_result | None) -> Identity | None:
    return (found.st_dev, found.st_ino) if found else None
