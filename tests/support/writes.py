"""The durable writes of a process: each is counted, and something may happen just before it. The process may be killed there.

A write is a change of a file or a folder below one folder, the commit of a transaction that changed rows, or a connection to a gateway.
Several connections to one gateway in a row count once: how often it is asked whether it is ready depends on the time.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

FILES = {"os.rename": 1, "os.remove": 0, "os.mkdir": 0, "os.rmdir": 0, "os.symlink": 1, "os.truncate": 0}  # which argument is the path
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = ("INSERT", "UPDATE", "DELETE")
CHANGED = "slipway.changed"
CONNECTION = "connection to port"


class Writes:
    """The writes of this process, from the beginning to the end of a block.

    Args:
        below: The folder whose files count. Locks do not: the system frees them.
        not_at: A port to which connections do not count: the Prefect server's.
        before: Called before each write happens, with its number, from 1, and what it is. Its own writes do not count.
    """

    def __init__(self, below: Path, not_at: int, before: Callable[[int, str], object]) -> None:
        self._below, self._not_at, self._before = f"{below}{os.sep}", not_at, before
        self._count, self._counting, self._last = 0, threading.RLock(), ""
        self._on, self._within = False, False
        self._listeners = {"before_cursor_execute": self._statement, "commit": self._commit, "rollback": self._rollback}

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        self._on = False  # an audit hook stays for the life of the process
        for name, listener in self._listeners.items():
            event.remove(Engine, name, listener)

    def begin(self) -> None:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        for name, listener in self._listeners.items():
            event.listen(Engine, name, listener)
        sys.addaudithook(self._audit)
        self._on = True

    def _write(self, what: str) -> None:
        with self._counting:
            last, self._last = self._last, what
            if not self._on or self._within or (what == last and what.startswith(CONNECTION)):
                return
            self._count += 1
            self._within = True
            try:
                self._before(self._count, what)
            finally:
                self._within = False

    def _statement(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith(CHANGES):
            connection.info.setdefault(CHANGED, " ".join(statement.split()[:3]))

    def _commit(self, connection: Any) -> None:
        if changed := connection.info.pop(CHANGED, None):
            self._write(f"commit in {Path(connection.engine.url.database or '').name}: {changed}")

    def _rollback(self, connection: Any) -> None:
        connection.info.pop(CHANGED, None)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str | os.PathLike) and flags & WRITING:
                self._file(event, path)
        elif event in FILES:
            self._file(event, arguments[FILES[event]])
        elif event == "socket.connect":
            address = arguments[1]
            if isinstance(address, tuple) and address[1] != self._not_at:
                self._write(f"{CONNECTION} {address[1]}")

    def _file(self, event: str, path: Any) -> None:
        name = os.fspath(path)
        if not isinstance(name, str) or not name.startswith(self._below) or f"{os.sep}locks{os.sep}" in f"{name}{os.sep}":
            return
        if event != "os.mkdir" or not Path(name).exists():  # what is there already is not made
            self._write(f"{event} {name.removeprefix(self._below)}")


@dataclass(frozen=True)
class KilledAt:
    """The write at which a process is killed, just before it happens.

    Args:
        number: Which write, from 1.
        journal: The file that gets a line for each write, before it happens.
    """

    number: int
    below: Path
    journal: Path
    not_at: int

    def begin(self) -> None:
        """Count the writes of this process from now on, and kill it."""
        journal = os.open(self.journal, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

        def kill(number: int, what: str) -> None:
            os.write(journal, f"{what}\n".encode())
            if number == self.number:
                os.kill(os.getpid(), signal.SIGKILL)
                threading.Event().wait()  # nothing happens any more until the signal arrives

        Writes(self.below, self.not_at, kill).begin()
