"""The place of the log: a home folder with an SQLite file, or the address of a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

from slipway.audit.databases.log_file import LogFile
from slipway.audit.databases.sqlite import PATIENCE, SqliteStore
from slipway.audit.databases.tables import Store
from slipway.audit.errors import AuditError, is_database_error, without_details
from slipway.files.storage import storage_error

AUDIT = Path("gateway") / "audit.db"
SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://", "postgresql+psycopg://")
# Seconds. Commands can wait longer than callers of the gateway.
COMMAND_PATIENCE = 30.0

Place = Path | str


def opener(place: Place, patience: float = PATIENCE, file: LogFile | None = None) -> Callable[[], Store]:
    """Return a function that opens the log; it may raise any error of the database.

    Args:
        place: A home folder, or `postgresql://...` or `sqlite:///path`, as SQLAlchemy writes them.
        file: The file of the SQLite log, for a process that opens it several times.
    Raises:
        AuditError: The place is neither, or PostgreSQL's driver is not installed.
    """
    if path := sqlite_path(place):
        return lambda: SqliteStore(path, patience, file)
    url = str(place)
    if not url.startswith(POSTGRES):
        raise AuditError(f"the audit log's address: expected postgresql://... or sqlite:///path, received {url.partition(':')[0]!r}:...")
    if not find_spec("psycopg"):
        raise AuditError("the audit log's address is PostgreSQL's, but its driver is missing: pip install 'slipway[postgres]'.")

    def connect() -> Store:
        from slipway.audit.databases.postgres import PostgresStore

        return PostgresStore(url.replace("postgresql+psycopg://", "postgresql://", 1))

    return connect


@contextmanager
def opened(place: Place, patience: float = COMMAND_PATIENCE) -> Iterator[Store]:
    """Open the log for the length of the block. It waits so many seconds for another program that writes to it.

    Raises:
        AuditError: The database is missing, full or locked, or refuses access.
    """
    try:
        with closing(opener(place, patience)()) as store:
            yield store
    except Exception as error:
        if not is_database_error(error):
            raise
        path = sqlite_path(place)
        if path and (found := storage_error(error, path)):
            raise AuditError(f"the audit log {found}") from None
        raise AuditError(f"the audit log {shown(place)}: {without_details(error)}") from None


def sqlite_path(place: Place) -> Path | None:
    """Return the file of an SQLite log, None for another database."""
    if isinstance(place, Path):
        return place / AUDIT
    return Path(place.removeprefix(SQLITE)) if place.startswith(SQLITE) else None


def log_file(place: Place) -> LogFile | None:
    """Return the file of an SQLite log as it is now, None for another database."""
    path = sqlite_path(place)
    return LogFile(path) if path else None


def missing(place: Place) -> bool:
    """Return whether nothing was ever logged. A reader must not create the file, perhaps as another user."""
    path = sqlite_path(place)
    return path is not None and not path.exists()


def shown(place: Place) -> str:
    """Return the place for messages, without the address, which may contain a password."""
    return str(sqlite_path(place) or "in PostgreSQL")
