"""Gateways and commands that are forked from a process that has imported what they need: real processes, without the imports."""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

# what is started -> the modules that it imports sooner or later; without onnxruntime, whose import starts a thread
NEEDED = {
    "gateway": ("slipway.gateway.__main__", "slipway.gateway.server", "slipway.bundle.deployment", "uvloop"),
    "command": ("deployments.cli", "deployments.local.platform", "slipway.lifecycle.ledger", "slipway.audit", "httpx"),
    "command that runs a flow": (
        "deployments.cli",
        "deployments.terminal.session",
        "flows.release",
        "flows.rollback",
        "mlflow.sklearn",
        "matplotlib.figure",
        "skops.io",
    ),
}
# Prefect reads these when it is imported, and the commands set them before that
QUIET = {
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "slipway",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
}


class Forked:
    """A process with what tests ask of a `Popen`.

    Args:
        what: A key of `NEEDED`.
        arguments: Of the command.
        environment: All its variables.
        folder: Its working folder.
        files: For its standard input, output and error.
    """

    def __init__(
        self, what: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, files: tuple[int, int, int]
    ) -> None:
        self._connection, there = socket.socketpair()
        with there:
            socket.send_fds(_forking(what)[0], [b"."], [there.fileno(), *files])
        self._line = self._connection.makefile("rw")
        self._line.write(json.dumps([list(arguments), dict(environment), str(folder)]) + "\n")
        self._line.flush()
        self.pid = int(self._line.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._ended_within(0)

    def wait(self, timeout: float | None = None) -> int:
        if (status := self._ended_within(timeout)) is None:
            raise subprocess.TimeoutExpired("a forked process", timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended_within(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._connection], [], [], seconds)[0]:
            self.returncode = int(self._line.readline())
            self._line.close()
            self._connection.close()
        return self.returncode


def gateway(environment: Mapping[str, str], folder: Path, log: int = 2) -> Forked:
    """Start a gateway in a working folder; its log is written to this open file."""
    with open(os.devnull) as nothing:
        return Forked("gateway", (), environment, folder, (nothing.fileno(), 1, log))


def slipway(
    *arguments: str, environment: Mapping[str, str], typed: str = "", runs_flow: bool = False, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run a command, as `subprocess.run` does.

    Args:
        runs_flow: Whether the command needs Prefect and MLflow.
    """
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as logged:
        given.write(typed)
        given.seek(0)
        what = "command that runs a flow" if runs_flow else "command"
        process = Forked(what, arguments, environment, Path.cwd(), (given.fileno(), said.fileno(), logged.fileno()))
        try:
            status = process.wait(timeout)
        finally:
            process.kill()
        said.seek(0)
        logged.seek(0)
        return subprocess.CompletedProcess(["slipway", *arguments], status, said.read(), logged.read())


@cache
def _forking(what: str) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start the process that forks, and return the connection to it. It ends when the connection closes, as this process ends."""
    here, there = socket.socketpair()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLIPWAY_", "PREFECT_", "MLFLOW_"))}
    with there:
        return here, subprocess.Popen([sys.executable, "-P", __file__, what], stdin=there, env=kept | QUIET)


def _fork(what: str, asked: socket.socket) -> int:
    """Fork a process whenever one is asked for. Return 0 when the tests have ended; a forked process returns its status from here."""
    before = set(os.environ)
    for module in NEEDED[what]:
        importlib.import_module(module)
    by_imports = {name: value for name, value in os.environ.items() if name not in before}
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while received := socket.recv_fds(asked, 1, 4)[1]:
        if os.fork() == 0:
            asked.close()
            return _start_and_watch(what, socket.socket(fileno=received[0]), received[1:], by_imports)
        for descriptor in received:
            os.close(descriptor)
    return 0


def _start_and_watch(what: str, connection: socket.socket, files: list[int], by_imports: Mapping[str, str]) -> int:
    """Fork the process; say its number on the connection, and its status when it has ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection, connection.makefile("rw") as line:
        arguments, environment, folder = json.loads(line.readline())
        if started := os.fork():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            print(started, file=line, flush=True)
            status = os.waitstatus_to_exitcode(os.waitpid(started, 0)[1])
            if not select.select([connection], [], [], 0)[0]:  # else the test has ended already
                print(status, file=line, flush=True)
            os._exit(0)
    os.environ.clear()
    os.environ.update(by_imports | environment)
    os.chdir(folder)
    for standard, file in enumerate(files):
        os.dup2(file, standard)
        os.close(file)
    return _run(what, arguments)


def _run(what: str, arguments: list[str]) -> int:
    if what == "gateway":
        from slipway.gateway.__main__ import main as serve

        return serve()
    from deployments.cli import main

    sys.argv = ["slipway", *arguments]
    main()
    return 0


if __name__ == "__main__":
    sys.exit(_fork(sys.argv[1], socket.socket(fileno=0)))
