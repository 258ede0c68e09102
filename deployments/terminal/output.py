"""What commands print: lines and tables for people, tabs and JSON for programs, and what goes on meanwhile."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, TextIO

from deployments.terminal import layout

COLOURS = {"red": 31, "green": 32, "yellow": 33}
QUIET = 8.0  # seconds without a line after which a command says that it still works
WAITING = "slipway.tasks.approval"  # its logger: after its lines a person has hours to decide


class _Latest:
    """The latest line for the person at the terminal, when it was printed, and whether nothing is to be expected after it."""

    line, at, still = "", time.monotonic(), False

    def remember(self, line: str, still: bool = False) -> None:
        self.line, self.at, self.still = line, time.monotonic(), still


_latest = _Latest()


def show(line: str = "") -> None:
    """Print a line of the result, to the standard output."""
    _print(sys.stdout, line)


def say(line: str) -> None:
    """Print a line for the person at the terminal, to the standard error."""
    _latest.remember(line)
    _print(sys.stderr, line)


def show_outcome(outcome: str, colour: str, about: str = "") -> None:
    """Print how something ended, in bold and in colour where the terminal has any."""
    _print(sys.stdout, outcome + about, bold=outcome, code=f"1;{COLOURS[colour]}")


def say_error(message: str) -> None:
    """Print an error, to the standard error."""
    _print(sys.stderr, f"error: {message}", code=str(COLOURS["red"]))


def show_json(value: Any) -> None:
    """Print one JSON document, and nothing else, to the standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table: laid out on a terminal, else a line for each row, its cells separated by tabs."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        lines = layout.table(columns, cells, _width())
        lines[0] = _coloured(sys.stdout, lines[0], "1")
    else:
        lines = layout.tabs(columns, cells)
    sys.stdout.write("\n".join([*lines, ""]))


def _print(stream: TextIO, text: str, *, bold: str | None = None, code: str = "") -> None:
    """Print, wrapped on a terminal and as it is elsewhere. With a colour's code, in colour: all of it, or its beginning `bold`."""
    if stream.isatty():
        text = "\n".join(layout.wrapped(text, min(_width(), layout.SENTENCE)))
    if code:
        end = len(text) if bold is None else len(bold)
        text = _coloured(stream, text[:end], code) + text[end:]
    stream.write(f"{text}\n")
    stream.flush()


def _width() -> int:
    return shutil.get_terminal_size().columns


def _coloured(stream: TextIO, text: str, code: str) -> str:
    """Return the text in colour: on a terminal that has any, unless NO_COLOR is set (https://no-color.org)."""
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\033[{code}m{text}\033[0m"


def follow_slipway() -> None:
    """Show Slipway's own log lines on the terminal, each with the seconds since the start, and a line while there are none."""
    logger = logging.getLogger("slipway")
    logger.addHandler(Follower())
    logger.setLevel(logging.INFO)


def unfollow_slipway() -> None:
    """Show no more of them. A command ends with this, because its process may go on: a test's does."""
    logger = logging.getLogger("slipway")
    for handler in [one for one in logger.handlers if isinstance(one, Follower)]:
        logger.removeHandler(handler)
        handler.close()


class Follower(logging.Handler):
    """Prints log lines. While no line of any kind comes, it repeats the last one with the time that has passed: no silence is long."""

    started = time.time()

    def __init__(self) -> None:
        super().__init__()
        self._ended = threading.Event()
        threading.Thread(target=self._reassure, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        _latest.remember(record.getMessage(), still=record.name == WAITING)
        self._show(record.created, self.format(record))

    def close(self) -> None:
        self._ended.set()
        super().close()

    def _reassure(self) -> None:
        while not self._ended.wait(max(0.1, _latest.at + QUIET - time.monotonic())):
            if time.monotonic() - _latest.at >= QUIET:
                _latest.at = time.monotonic()
                if not _latest.still:
                    self._show(time.time(), f"still at work after: {_latest.line}")

    def _show(self, moment: float, message: str) -> None:
        begin = f"{moment - self.started:6.1f} s  "
        width = min(_width(), layout.SENTENCE) if sys.stderr.isatty() else 1_000_000
        lines = layout.wrapped(message, width - len(begin)) if sys.stderr.isatty() else [message]
        sys.stderr.write("".join(f"{begin if number == 0 else ' ' * len(begin)}{line}\n" for number, line in enumerate(lines)))
        sys.stderr.flush()
