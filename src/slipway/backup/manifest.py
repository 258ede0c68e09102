"""What a backup says of itself."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from slipway.records import Record

logger = logging.getLogger(__name__)

MANIFEST = "backup.json"
FORMAT = 1
TOLD_EVERY = 5.0


class Backup(Record):
    """What a backup holds: sha256 of each file by its path in the home folder; `elsewhere` names what another system keeps."""

    format: int = FORMAT
    slipway: str
    made_at: str
    home: str
    files: dict[str, str]
    elsewhere: list[str]


def name_of(path: Path, home: Path) -> str:
    """Return what a file is called in the backup."""
    return path.relative_to(home).as_posix()


class Telling:
    """A line every few seconds: an artifact store may be large."""

    def __init__(self, done: str) -> None:
        self._done, self._last = done, time.monotonic()

    def __call__(self, files: int) -> None:
        if time.monotonic() - self._last > TOLD_EVERY:
            self._last = time.monotonic()
            logger.info("%d files %s", files, self._done)
