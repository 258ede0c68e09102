"""What can go wrong with the log, and how much of a database's error may be told."""

from __future__ import annotations

import sqlite3

from slipway.errors import SlipwayError

# Told to callers; what is wrong, and where, stands in the gateway's own log.
UNWRITTEN = "the audit log cannot be written, so nothing is answered. Try again later."


class AuditError(SlipwayError):
    """The log cannot be written or read; a request whose lines cannot be written may not be answered."""


def of_a_database(error: Exception) -> bool:
    """Tell whether the database or its disk is at fault; PostgreSQL's driver may not be installed, so it is known by name."""
    return isinstance(error, sqlite3.Error | OSError) or type(error).__module__.partition(".")[0] == "psycopg"


def told(error: Exception) -> str:
    """Return the error without details: PostgreSQL quotes the values of a line in them, and lines hold personal data."""
    if primary := getattr(getattr(error, "diag", None), "message_primary", None):
        return str(primary)
    return str(error).partition("\n")[0] if isinstance(error, AuditError) or of_a_database(error) else type(error).__name__
