"""The manifest of a backup, and its progress in the log."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from slipway.records import Record

logger = logging.getLogger(__name__)

MANIFEST = "backup.json"
FORMAT = 1
LOG_EVERY = 5.0  # seconds


class Backup(Record):
    """The content of a backup: the sha256 of each file by its path in the home folder; `elsewhere` names settings of other databases."""

    format: int = FORMAT
    slipway: str
    made_at: str
    home: str
    files: dict[str, str]
    elsewhere: list[str]


def name_of(path: Path, home: Path) -> str:
    """Return the name of a file in the backup."""
    return path.relative_to(home).as_posix()


class ProgressLog:
    """Logs a line every few seconds, because an artifact store may be large."""

    def __init__(self, done: str) -> None:
        self._done, self._last = done, time.monotonic()

    def __call__(self, files: int) -> None:
        if time.monotonic() - self._last > LOG_EVERY:
            self._last = time.monotonic()
            logger.info("%d files %s", files, self._done)
