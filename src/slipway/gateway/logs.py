"""The gateway's own log: lines for people or JSON for programs, each with the request it is about.

It never contains a row, a key or a query string: no code logs them, and the message of an unexpected error, which may quote a cell, is
left out.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import sqlite3
import sys
import threading
import traceback
import warnings
from collections import Counter
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

PERIOD = 60.0  # seconds
MOST_ALIKE = 20  # warnings and errors of one kind in a period; the others are counted
MOST_KINDS = 500
EXHAUSTED = "no file descriptor is free, so connections wait. Raise the limit of open files (ulimit -n), or lower SLIPWAY_CONNECTIONS."

ErrorInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure(form: str) -> None:
    """Write the log to standard error from now on, as "text" or "json"."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter(TEXT))
    handler.addFilter(FLOOD)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # they advise programmers
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


class Flood(logging.Filter):
    """Keeps what strangers can cause from filling the log: of each kind of warning or error, it lets a few through in a period.

    A kind is a logger's message before its values are filled in, and the error's type. Of libraries, one line of a kind is let through, and
    only errors: their warnings advise programmers. `left_out` counts lines, `exhausted` the times at which no file descriptor was free.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._seen: Counter[tuple[str, str, str]] = Counter()
        self.left_out = self.exhausted = 0

    def filter(self, record: logging.LogRecord) -> bool:
        ours = record.name.partition(".")[0] == "slipway"
        if not ours and record.levelno < logging.ERROR:
            return False
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            self.exhausted += 1
            record.msg, record.args, record.exc_info, record.exc_text, ours = EXHAUSTED, (), None, None, False
        if ours and record.levelno < logging.WARNING:
            return True
        with self._lock:
            kind = (record.name, str(record.msg)[:100], type(error).__name__)
            if len(self._seen) >= MOST_KINDS and kind not in self._seen:
                kind = (record.name, "other messages", "")
            self._seen[kind] += 1
            shown = self._seen[kind] <= (MOST_ALIKE if ours else 1)
            self.left_out += not shown
        return shown

    def report(self) -> None:
        """Log how many lines of each kind were left out since the last report, and begin a new period."""
        with self._lock:
            seen, self._seen = self._seen, Counter()
        for (name, message, _), number in seen.items():
            most = MOST_ALIKE if name.startswith("slipway") and message != EXHAUSTED[:100] else 1
            if number > most:
                logging.getLogger(__name__).info("%d more lines of %s as %r were left out", number - most, name, message)

    async def follow(self) -> None:
        """Report once a period, until cancelled."""
        while True:
            await asyncio.sleep(PERIOD)
            self.report()


FLOOD = Flood()


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
