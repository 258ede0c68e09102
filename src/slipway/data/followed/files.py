"""Taking a file as it is now: one that is being replaced is read again, so that no snapshot is a mixture of two."""

from __future__ import annotations

import codecs
import logging
import os
import shutil
from pathlib import Path

from slipway.data import origins
from slipway.data.tables.csv_files import compressed
from slipway.data.tables.errors import TableError
from slipway.errors import DatasetNotFoundError, OriginChangingError
from slipway.files.addresses import OF_PATHS, Login
from slipway.spec import CSV, Table

logger = logging.getLogger(__name__)

ATTEMPTS = 3
TAIL = 1 << 20  # bytes at the end of a file that have its last line

State = tuple[int, int, int]  # which file, its size, and when it was written


def local(address: str) -> Path | None:
    """Return the path of an address of this machine, None for another address."""
    if "://" in address and not address.startswith("file://"):
        return None
    return Path(address.removeprefix("file://")).expanduser()


def take(model: str, address: str, table: Table, to: Path, login: Login) -> None:
    """Copy what the address holds to a path.

    Raises:
        OriginChangingError: The file changed while it was read, each time.
        OriginUnreachableError, DatasetNotFoundError, MissingExtraError: See `slipway.data.origins.read`.
    """
    path = local(address)
    if path is None:
        to.write_bytes(origins.read(model, address, table, login))
        return
    for attempt in range(1, ATTEMPTS + 1):
        try:
            before = state(path)
            shutil.copyfile(path, to)
            after = state(path)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
            raise DatasetNotFoundError(f"{model}: {path} cannot be read as a file ({error.strerror}). {OF_PATHS}") from None
        if before == after and to.stat().st_size == after[1]:
            return
        logger.warning("%s: %s was written while it was read (attempt %d of %d)", model, path, attempt, ATTEMPTS)
    raise changing(model, path)


def state(path: Path) -> State:
    """Return what changes when a file is written or replaced."""
    found = os.stat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns


def require_whole_line(path: Path, table: Table, columns: int) -> None:
    """Raise unless the last line of a CSV is whole: a reader takes cells that a line lacks as empty ones.

    Raises:
        TableError: The file ends within a line that lacks cells.
    """
    if not isinstance(table, CSV) or compressed(path) or codecs.lookup(table.encoding).name.startswith(("utf-16", "utf-32")):
        return
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        *_, last = file.read().split(b"\n")
    quotes, cells = last.count(table.quote.encode()) if table.quote else 0, _cells(last, table)
    if last.strip() and not last.endswith(b"\r") and quotes % 2 == 0 and cells < columns:  # an odd quote may begin lines before
        raise TableError(f"the file ends within a line, which has {cells} of {columns} cells: it is not written completely.")


def _cells(line: bytes, table: CSV) -> int:
    """Return the number of cells of one line."""
    text = line.decode(table.encoding, errors="replace")
    outside = text.split(table.quote)[::2] if table.quote else [text]
    return 1 + sum(part.count(table.separator) for part in outside)


def changing(model: str, path: Path) -> OriginChangingError:
    """Return the error of rows that change while they are read."""
    return OriginChangingError(
        f"{model}: {path} was written while it was read, {ATTEMPTS} times in a row. Release again when it is complete; "
        "a program that writes elsewhere and renames at the end avoids this."
    )
