"""Copying the home folder while its programs run."""

from __future__ import annotations

import hashlib
import io
import logging
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO

from slipway.backup.manifest import MANIFEST, Backup, ProgressLog, name_of
from slipway.errors import BackupError
from slipway.files.replacing import replacing
from slipway.lifecycle.locking import exclusive
from slipway.settings import Settings

logger = logging.getLogger(__name__)

# The first ones belong to the processes that run now, and the next ones make them again; files that people upload last for a day.
LEFT_OUT = ("supervisor", "logs", "locks", "cache", "uploads")
TEMPORARY = (".lock", ".tmp", "-wal", "-shm", "-journal", ".pid", ".sock")
SQLITE = b"SQLite format 3\0"
PATIENCE = 600.0  # seconds to wait for running releases


def back_up(settings: Settings, file: Path, patience: float = PATIENCE) -> Backup:
    """Write the backup, completely or not at all. Only its owner can read it, because it has keys and credentials. The platform may run.

    The databases are copied first, while no release or rollback is under way, so that all files that they name are there when the files
    are copied.

    Args:
        patience: Seconds to wait for running releases, which are not interrupted.
    Raises:
        BackupError: There is no home folder, the file exists already, or it cannot be written.
        ReleaseInProgressError: A release ran for longer than `patience`.
    """
    home = settings.home
    if not home.is_dir():
        raise BackupError(f"{home} does not exist, so there is nothing to back up. SLIPWAY_HOME names the folder of the platform.")
    if file.exists():
        raise BackupError(f"{file} exists already and is not overwritten. Name another file.")
    if file.absolute().is_relative_to(home):
        raise BackupError(f"{file} is in the folder that is backed up. Name a file elsewhere, preferably on another disk.")
    try:
        with (
            replacing(file, private=True, durable=True) as raw,
            tarfile.open(fileobj=raw, mode="w:gz", compresslevel=3) as archive,
        ):
            return _fill(archive, settings, patience)
    except OSError as error:
        raise BackupError(f"{file}: the backup cannot be written ({error}).") from error


def _fill(archive: tarfile.TarFile, settings: Settings, patience: float) -> Backup:
    home, files = settings.home, dict[str, str]()
    with tempfile.TemporaryDirectory(prefix="slipway-backup-") as folder:
        with _no_release(settings, patience):
            copies = {path: _copied(path, Path(folder) / str(number)) for number, path in enumerate(_databases(home))}
        for path, copy in copies.items():
            files[name_of(path, home)] = _add(archive, copy, name_of(path, home))
    progress = ProgressLog("copied")
    for path in _files(home):
        if path in copies:
            continue
        try:
            files[name_of(path, home)] = _add(archive, path, name_of(path, home))
        except FileNotFoundError:  # removed since it was listed, so it was not meant to last
            logger.debug("%s is gone", path)
        progress(len(files))
    backup = Backup(
        slipway=version("slipway"),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        home=str(home),
        files=files,
        elsewhere=_elsewhere(settings),
    )
    content = backup.model_dump_json(indent=2).encode()
    member = tarfile.TarInfo(MANIFEST)
    member.size, member.mode = len(content), 0o600
    archive.addfile(member, io.BytesIO(content))
    return backup


@contextmanager
def _no_release(settings: Settings, patience: float) -> Iterator[None]:
    with ExitStack() as locks:
        models = {lock.name.partition(".")[0] for lock in (settings.home / "locks").glob("*.lock")}
        for model in sorted(models):
            locks.enter_context(exclusive(model, settings, patience))
        yield


def _databases(home: Path) -> list[Path]:
    """Return the SQLite databases, the registry before the ledger, whose latest entry is then true of the copied registry."""
    found = [path for path in _files(home) if _is_database(path)]
    return sorted(found, key=lambda path: (path.name == "ledger.db", path))


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SQLITE)) == SQLITE


def _copied(database: Path, copy: Path) -> Path:
    """Copy a database by SQLite's online backup, because other processes may write to it."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    shutil.copymode(database, copy)
    return copy


def _files(home: Path) -> list[Path]:
    return sorted(
        path
        for path in home.rglob("*")
        if path.is_file() and path.relative_to(home).parts[0] not in LEFT_OUT and not path.name.endswith(TEMPORARY)
    )


def _add(archive: tarfile.TarFile, path: Path, name: str) -> str:
    """Add a file with its current length, and return the sha256 of the added content."""
    with path.open("rb") as file:
        member = archive.gettarinfo(arcname=name, fileobj=file)
        hashed = _HashedFile(file)
        archive.addfile(member, hashed)
        return hashed.sha256.hexdigest()


class _HashedFile:
    """A file whose content is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self.sha256.update(content)
        return content


def _elsewhere(settings: Settings) -> list[str]:
    """Return the settings that name other databases, which need their own backups."""
    places = {"SLIPWAY_LEDGER_URL": settings.ledger_url, "SLIPWAY_AUDIT_URL": settings.audit_url}
    outside = [name for name, url in places.items() if url]
    return [*outside, "SLIPWAY_TRACKING_URI"] if settings.tracking_uri not in (None, settings.mlflow_url) else outside
