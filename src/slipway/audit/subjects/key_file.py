"""The file of the keys of subject ids: apart from the log, readable by its owner only, and replaced atomically."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from slipway.audit.errors import AuditError
from slipway.audit.subjects.pseudonyms import Generation, Ring, generation
from slipway.files.private import private_folder
from slipway.files.replacing import replace

SUBJECTS = Path("gateway") / "subjects.json"

Stamp = tuple[int, int, int]


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of the file."""

    generations: tuple[Generation, ...]


class KeyFile:
    """`<home>/gateway/subjects.json`. `ring` follows the file, at the cost of one `stat`."""

    def __init__(self, home: Path) -> None:
        self.path = home / SUBJECTS
        self._ring: Ring | None = None
        self._stamp: Stamp | None = None
        self._was_there = self.path.exists()

    def removed(self) -> bool:
        """Return whether the file was there and is not any more. Any thread may ask."""
        return self._was_there and not self.path.exists()

    def ring(self) -> Ring | None:
        """Return the keys, the same object until the file changes; None if there is no file.

        Raises:
            AuditError: The file cannot be read, or is not a file of keys.
        """
        try:
            if (stamp := _stamp(self.path)) != self._stamp:
                self._ring = self._read() if stamp else None
                self._stamp = stamp
                self._was_there |= stamp is not None
        except OSError as error:
            raise AuditError(f"{self.path}: the keys of subject ids cannot be read ({error.strerror}).") from None
        return self._ring

    def created(self) -> Ring:
        """Return the keys; make the first ones, unless another process has just made them."""
        with self.locked():
            return self.ring() or self.write((generation(),))

    def write(self, generations: tuple[Generation, ...]) -> Ring:
        """Replace the content of the file. Call it inside `locked`."""
        content = msgspec.json.format(msgspec.json.encode(Content(generations)), indent=1)
        try:
            # durable: after a power cut, every key of a line must be on the disk
            replace(self.path, content, private=True, durable=True)
        except OSError as error:
            raise AuditError(f"{self.path}: the keys of subject ids cannot be written ({error.strerror}).") from None
        return self.ring() or Ring(generations)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from replacing the file. The lock of a killed process is free."""
        from filelock import FileLock

        private_folder(self.path.parent)
        with FileLock(self.path.with_suffix(".lock")):
            yield

    def _read(self) -> Ring:
        try:
            return Ring(msgspec.json.decode(self.path.read_bytes(), type=Content).generations)
        except (msgspec.MsgspecError, AuditError) as error:
            raise AuditError(f"{self.path}: not a file of keys ({error}). Restore it from a backup; no other key opens the ids.") from None


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
