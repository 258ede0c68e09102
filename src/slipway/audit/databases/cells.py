"""Values from both databases in one form: PostgreSQL's driver decodes JSON and times, SQLite's does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec


def decoded(value: Any) -> Any:
    """Return the value of a JSON column."""
    return msgspec.json.decode(value) if isinstance(value, str) else value


def utc(time: datetime) -> str:
    """Return a time as the log writes it: UTC, rounded down to milliseconds."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")


def shown(time: str | datetime) -> str:
    """Return the value of a time column as the log writes it."""
    return time if isinstance(time, str) else utc(time)
