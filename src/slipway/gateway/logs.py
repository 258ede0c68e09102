"""The gateway's own log: lines for people or JSON for programs, each with the request it is about.

It never contains a row, a key or a query string: no code logs them, and the message of an unexpected error, which may quote a cell, is
left out.
"""

from __future__ import annotations

import logging
import sqlite3
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import msgspec

from slipway.errors import SlipwayError

# Set in a request's own task, so that its lines name it: request_id.set(request.id).
request_id: ContextVar[str] = ContextVar("request_id", default="")

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# Their messages are about files, addresses and the database, never about the content of a row.
HARMLESS = (SlipwayError, OSError, sqlite3.Error)

ErrorInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure(form: str) -> None:
    """Write the log to standard error from now on, as "text" or "json"."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter(TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


class DiscreetFormatter(logging.Formatter):
    """Shows where an error happened, and its message only if that cannot quote a row."""

    def formatException(self, ei: ErrorInfo) -> str:  # noqa: N802 - logging's own name
        kind, error, place = ei
        if kind is None or error is None:
            return ""
        if isinstance(error, HARMLESS):
            return super().formatException(ei)
        return "".join(traceback.format_tb(place)) + f"{kind.__module__}.{kind.__qualname__} (its message is left out: it may quote a row)"


class TextFormatter(DiscreetFormatter):
    """One line, with the id of its request, if any."""

    def format(self, record: logging.LogRecord) -> str:
        found = request_id.get()
        return super().format(record) + (f" [request {found}]" if found else "")


class JsonFormatter(DiscreetFormatter):
    """One JSON object a line: time (UTC), level, logger, message, process, and request and error, if any."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if found := request_id.get():
            line["request_id"] = found
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()
