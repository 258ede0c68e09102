"""Why something cannot be written: a full disk, a read-only place, a busy database. The cause is inside of many kinds of errors.

SQLite, SQLAlchemy, MLflow, its server and Prefect each wrap it in another way, and most show only SQL.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from slipway.errors import SlipwayError, StorageError

LEAST_BYTES = 32 * 1024 * 1024  # free before anything begins that writes: the databases of Prefect and MLflow grow by less in a release

FULL = "the disk is full. Free some space"
READ_ONLY = "it cannot be written, because the file system is read-only. Mount it for writing, or set SLIPWAY_HOME to another folder"
DENIED = "this user may not use it. Give the user the right to read and write it, or set SLIPWAY_HOME to another folder"
CLOSED = "the database cannot be opened. Its folder is missing, or may not be written"
BUSY = "the database is busy: another program has been writing to it for too long. Wait until that ends, or end it"
DAMAGED = "the file is not a database, or is damaged. Restore it from a backup"
FAILING = "the disk cannot be written or read: it is full or failing. Check it with `df` and in the system's log"
UNCLEAR = (CLOSED, FAILING)  # SQLite's words for files that it cannot make beside the database, too
AGAIN = "; then try again."

BY_NUMBER = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EROFS: READ_ONLY,
    errno.EACCES: DENIED,
    errno.EPERM: DENIED,
    errno.EIO: FAILING,
}
BY_WORDS = {  # SQLite's own, which reach here as text only from a server; and those of a PostgreSQL server
    "database or disk is full": FULL,
    "No space left on device": FULL,
    "could not extend file": FULL,
    "Read-only file system": READ_ONLY,
    "attempt to write a readonly database": READ_ONLY,
    "unable to open database file": CLOSED,
    "database is locked": BUSY,
    "database table is locked": BUSY,
    "disk I/O error": FAILING,
    "file is not a database": DAMAGED,
    "database disk image is malformed": DAMAGED,
}
WORDS = re.compile("|".join(map(re.escape, BY_WORDS)))


def storage_error(error: BaseException, home: Path) -> StorageError | None:
    """Return the error of the storage that is the cause of another error, None if that has another cause.

    Args:
        home: The folder to name if the error names no path.
    """
    if isinstance(error, SlipwayError):
        return error if isinstance(error, StorageError) else None
    for one in _causes(error):
        if found := _cause(one):
            what, path = found
            return (_refused(home) if what in UNCLEAR else None) or StorageError(f"{path or home}: {what}{AGAIN}")
    return None


def storage_at_fault(error: BaseException, home: Path) -> StorageError | None:
    """Return the error of the storage that is the cause, also if the other error does not show it: Prefect's server just does not answer.

    A disk that is full now was most likely the cause of an error that nobody expected.
    """
    if found := storage_error(error, home):
        return found
    if isinstance(error, SlipwayError):
        return None
    if found := _refused(home):
        return StorageError(f"{found} It showed as {type(error).__name__}: {str(error).partition(chr(10))[0][:100]}")
    return None


def _refused(home: Path) -> StorageError | None:
    try:
        require_storage(home)
    except StorageError as error:
        return error
    return None


def heals(error: BaseException, home: Path = Path()) -> bool:
    """Return whether another try may help: a busy database becomes free, a full disk does not within a minute."""
    found = storage_error(error, home)
    return found is None or BUSY in str(found)


def require_storage(home: Path) -> None:
    """Refuse to begin what writes into the home folder, if it cannot.

    Raises:
        StorageError: It cannot be written, or its disk has less than 32 MB left.
    """
    folder = next(folder for folder in (home, *home.parents) if folder.is_dir())
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        raise StorageError(f"{home}: {READ_ONLY}{AGAIN}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageError(f"{home}: {DENIED}{AGAIN}")
    if (free := shutil.disk_usage(folder).free) < LEAST_BYTES:
        raise StorageError(f"{home}: its disk has {free // 2**20} MB left, expected {LEAST_BYTES // 2**20} or more. Free some space{AGAIN}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those it was raised from or because of, each once."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.append(one)
            yield one
            context = None if one.__suppress_context__ else one.__context__
            waiting += [cause for cause in (context, one.__cause__, getattr(one, "orig", None)) if isinstance(cause, BaseException)]


def _cause(error: BaseException) -> tuple[str, str | None] | None:
    if isinstance(error, OSError) and error.errno in BY_NUMBER:
        if isinstance(error, ConnectionError) or type(error).__module__.startswith(("requests", "httpx", "urllib3")):
            return None
        return BY_NUMBER[error.errno], error.filename if isinstance(error.filename, str) else None
    found = WORDS.search(str(error))
    return (BY_WORDS[found[0]], None) if found else None
