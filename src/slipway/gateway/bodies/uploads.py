"""The folder of uploaded files: `home/uploads`, in it one folder a person, and in that one a file. Each file is removed after a day."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from slipway.bundle.contract import Contract
from slipway.files.private import private_folder
from slipway.files.replacing import replace
from slipway.gateway.limits.places import Places
from slipway.rows.uploads import FinishedFile, Mark

FOLDER, RECORD = "uploads", "upload.json"
ID = re.compile(r"[0-9a-f]{32}")
DAY = 86_400.0
SWEEP_EVERY = 600.0  # seconds
READ_AT_ONCE, WAITING = 1, 8  # files of one worker

logger = logging.getLogger(__name__)


class Upload(msgspec.Struct, kw_only=True):
    """One file and what came of it. `size` is in bytes, `created` in seconds since 1970.

    `contract` is that of the version that answered. `run` is the id of the run of a large file, "" of one that was answered at once;
    `failed` is the state in which that run ended without predictions, "" if it did not.
    """

    id: str
    owner: str
    model: str
    name: str
    size: int
    rows: int
    created: float
    language: str
    separator: str
    decimal: Mark
    contract: Contract
    run: str = ""
    failed: str = ""
    finished: FinishedFile | None = None

    @property
    def waits(self) -> bool:
        """Whether its run has not ended, as far as is known."""
        return not (self.finished or self.failed)

    @property
    def until(self) -> float:
        """When it is removed."""
        return self.created + DAY


class Uploads:
    """The uploads of one home folder. Its functions read and write small files; a file that is removed meanwhile is as one never there."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER
        self.places = Places(READ_AT_ONCE, WAITING)

    @asynccontextmanager
    async def new(self, owner: str) -> AsyncIterator[Path]:
        """Make a folder for a file of a person. If the block fails, nothing of it stays."""
        folder = private_folder(self._of(owner) / secrets.token_hex(16))
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def folder(self, upload: Upload) -> Path:
        return self._of(upload.owner) / upload.id

    def save(self, upload: Upload) -> None:
        replace(self.folder(upload) / RECORD, msgspec.json.encode(upload), private=True)

    def find(self, id: str, owner: str, model: str) -> Upload | None:
        """Return an upload, if it is this person's."""
        found = self._read(self._of(owner) / id) if ID.fullmatch(id) else None
        return found if found and found.owner == owner and found.model == model else None

    def of(self, owner: str) -> list[Upload]:
        """Return all uploads of a person, the newest first."""
        found = [upload for folder in self._of(owner).glob("*") if (upload := self._read(folder))]
        return sorted(found, key=lambda upload: upload.created, reverse=True)

    def remove(self, upload: Upload) -> None:
        shutil.rmtree(self.folder(upload), ignore_errors=True)

    def sweep(self, now: float) -> int:
        """Remove what is older than a day, also what a killed process has left, and return how many."""
        old = [folder for folder in self._folder.glob("*/*") if self._began(folder, now) < now - DAY]
        for folder in old:
            shutil.rmtree(folder, ignore_errors=True)
        return len(old)

    async def follow(self) -> None:
        """Sweep every ten minutes, until cancelled."""
        while True:
            if removed := await asyncio.to_thread(self.sweep, time.time()):
                logger.info("%d uploaded files were removed after a day", removed)
            await asyncio.sleep(SWEEP_EVERY)

    def _of(self, owner: str) -> Path:
        """Return the folder of a person, whose name may have characters that a path may not have."""
        return self._folder / hashlib.sha256(owner.encode()).hexdigest()[:32]

    def _began(self, folder: Path, now: float) -> float:
        if upload := self._read(folder):
            return upload.created
        try:
            return folder.stat().st_mtime
        except OSError:  # another worker removed it
            return now

    def _read(self, folder: Path) -> Upload | None:
        try:
            return msgspec.json.decode((folder / RECORD).read_bytes(), type=Upload)
        except (OSError, msgspec.MsgspecError):  # not complete yet, gone, or of another version of Slipway
            return None
