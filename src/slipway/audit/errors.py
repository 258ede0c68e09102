"""The errors of the log, and how much of a database's error may be shown."""

from __future__ import annotations

import sqlite3

from slipway.errors import SlipwayError

# For callers. The gateway's own log says what is wrong, and where.
UNWRITTEN = "the audit log cannot be written, so nothing is answered. Try again later."


class AuditError(SlipwayError):
    """The log cannot be written or read; a request whose lines cannot be written may not be answered."""


class LogLostError(AuditError):
    """The log's file was removed or replaced under the process that writes to it."""


def is_database_error(error: Exception) -> bool:
    """Return whether the database or its disk failed. PostgreSQL's driver may not be installed, so its errors are known by name."""
    return isinstance(error, sqlite3.Error | OSError) or type(error).__module__.partition(".")[0] == "psycopg"


def without_details(error: Exception) -> str:
    """Return the message of an error without its details: PostgreSQL quotes values of lines there, which are personal data."""
    if primary := getattr(getattr(error, "diag", None), "message_primary", None):
        return str(primary)
    return str(error).partition("\n")[0] if isinstance(error, AuditError) or is_database_error(error) else type(error).__name__
