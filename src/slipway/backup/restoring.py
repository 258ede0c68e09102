"""Restoring the home folder from a backup."""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import shutil
import tarfile
import tempfile
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from slipway.backup.manifest import FORMAT, MANIFEST, Backup, ProgressLog, name_of
from slipway.errors import BackupError
from slipway.files.private import private_folder
from slipway.files.storage import LEAST_BYTES

logger = logging.getLogger(__name__)

AT_ONCE = 1 << 20
MOST_IN_MEMORY = 64 << 20  # of the manifest, or of a header of the archive: a manifest of half a million files


def restore(file: Path, home: Path, *, replace: bool = False) -> tuple[Backup, Path | None]:
    """Restore a backup as the home folder of a platform that does not run, after comparing every checksum.

    Args:
        replace: Whether an existing home folder may be moved aside; it is kept beside the new one.
    Returns:
        The restored backup, and the path to which the earlier home folder was moved, if there was one.
    Raises:
        BackupError: The file is not a complete backup, the home folder is not empty, or it cannot be written. Nothing was changed.
    """
    occupied = home.exists() and any(home.iterdir())
    if occupied and not replace:
        raise BackupError(f"{home} is not empty. Restore into another SLIPWAY_HOME, or move it aside with --replace.")
    try:
        private_folder(home.parent)
        scratch = Path(tempfile.mkdtemp(prefix=f".{home.name}.restoring-", dir=home.parent))
    except OSError as error:
        raise BackupError(f"{home.parent}: nothing can be written there ({error}). Name another folder with SLIPWAY_HOME.") from error
    try:
        backup = _extract(file, scratch)
        aside = _exchange(scratch, home, occupied)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if str(home) != backup.home:
        logger.warning("the backup was made from %s; paths recorded in MLflow still name it", backup.home)
    return backup, aside


def _exchange(scratch: Path, home: Path, occupied: bool) -> Path | None:
    """Replace the home folder by another; return the path of the earlier one. If this fails, the earlier one is where it was."""
    aside = home.with_name(f"{home.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}") if occupied else None
    try:
        if aside:
            os.rename(home, aside)
        elif home.exists():
            home.rmdir()
        try:
            os.rename(scratch, home)
        except OSError:
            if aside:
                os.rename(aside, home)
            raise
    except OSError as error:
        kept = f" The earlier folder is in {aside if aside.exists() else home}." if aside else ""
        raise BackupError(f"{home}: the backup cannot be put there ({error}).{kept}") from error
    return aside


class _Limits:
    """What an archive may expand to: the room on the disk of the folder. A small archive may fill a disk, or the memory."""

    def __init__(self, file: Path, folder: Path) -> None:
        self._file, self._disk = file, folder.parent
        self._most = self._left = shutil.disk_usage(folder).free - LEAST_BYTES

    def place(self, place: int) -> None:
        """Refuse to expand the archive beyond this place."""
        if place > self._most:
            self._refuse()

    def member(self, member: tarfile.TarInfo) -> None:
        """Refuse a file for which no room is left: one with holes has fewer bytes in the archive."""
        self._left -= member.size
        if self._left < 0:
            self._refuse()

    def memory(self, size: int) -> None:
        """Refuse to read so much at once."""
        if size > MOST_IN_MEMORY:
            raise BackupError(
                f"{self._file}: expected a manifest and headers of at most {MOST_IN_MEMORY:,} bytes, received {size:,}. "
                "Nothing was changed."
            )

    def _refuse(self) -> NoReturn:
        raise BackupError(
            f"{self._file}: expected to expand to at most {max(self._most, 0):,} bytes, the room on the disk of {self._disk}, "
            "received more. Nothing was changed. Restore to a larger disk with SLIPWAY_HOME."
        )


class _Expanding(gzip.GzipFile):
    """The content of an archive, expanded within its limits."""

    def __init__(self, file: Path, limits: _Limits) -> None:
        super().__init__(file, "rb")
        self._limits = limits

    def read(self, size: int | None = -1) -> bytes:
        self._limits.memory(size or 0)
        content = super().read(size)
        self._limits.place(self.tell())
        return content


def _extract(file: Path, folder: Path) -> Backup:
    try:
        limits = _Limits(file, folder)
        with _Expanding(file, limits) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            for member in archive:
                limits.member(member)
                archive.extract(member, folder, filter="data")  # refuses names outside of the folder
            while stream.read(AT_ONCE):  # to the end, where gzip's checksum is: the damage may be outside of all files
                pass
        limits.memory((folder / MANIFEST).stat().st_size)
        backup = Backup.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError as error:
        raise BackupError(f"{file}: not a backup of Slipway, or incomplete ({error.filename} is missing).") from error
    except (gzip.BadGzipFile, EOFError, tarfile.TarError, zlib.error, ValueError) as error:
        raise BackupError(f"{file}: not a backup of Slipway, or damaged ({error}). Nothing was changed.") from error
    except OSError as error:
        raise BackupError(f"{file}: cannot be unpacked in {folder.parent} ({error}). Nothing was changed.") from error
    if backup.format != FORMAT:
        raise BackupError(f"{file}: format {backup.format} of Slipway {backup.slipway}; this version reads format {FORMAT}.")
    (folder / MANIFEST).unlink()
    found = {name_of(path, folder): path for path in folder.rglob("*") if path.is_file()}
    progress, wrong = ProgressLog("compared"), set(found) ^ set(backup.files)
    for number, (name, path) in enumerate(found.items()):
        with path.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != backup.files.get(name):
                wrong.add(name)
        progress(number)
    if wrong:
        raise BackupError(f"{file}: {len(wrong)} files differ from those backed up, first {min(wrong)}. Nothing was changed.")
    return backup
