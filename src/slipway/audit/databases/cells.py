"""What the two databases give back, alike: PostgreSQL's driver has decoded JSON and times already, SQLite's has not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec


def decoded(value: Any) -> Any:
    """Return what a column of JSON holds."""
    return msgspec.json.decode(value) if isinstance(value, str) else value


def utc(time: datetime) -> str:
    """Return a time as the log has it: UTC, to the millisecond below."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")


def shown(time: str | datetime) -> str:
    """Return a column of times as the log has it."""
    return time if isinstance(time, str) else utc(time)
