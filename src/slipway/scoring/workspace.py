"""The folder of unfinished files: hidden beside the destination, for one run at a time, removed when the run ends."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from slipway.errors import ScoringError
from slipway.scoring.job import Job
from slipway.settings import Settings


@contextmanager
def workspace(job: Job, settings: Settings) -> Iterator[Path]:
    """Give a folder that only this user can read, on the same disk as the destination, so that a finished file is moved in one step.

    The files of a killed run are removed first.

    Raises:
        ScoringError: Another run on this host writes to the same destination, or its folder cannot be written.
    """
    folder = job.destination.with_name(f".{job.destination.name}.scoring")
    locks = settings.home / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(os.fsencode(job.destination)).hexdigest()[:16]
    try:
        with FileLock(locks / f"score-{name}.lock", timeout=0):
            _clear(folder)
            _make(folder)
            try:
                yield folder
            finally:
                _clear(folder)
    except Timeout:
        raise ScoringError(f"another run writes {job.destination}; wait until it ends (see the run page), or name another file.") from None


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise ScoringError(f"{folder.parent} cannot be written ({error.strerror}); name another file (--to).") from None
