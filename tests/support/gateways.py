"""Gateways that are forked from a process that has imported everything: real servers with real HTTP, but without the imports."""

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
from collections.abc import Mapping
from functools import cache
from pathlib import Path

# what a gateway imports at its start, and when it loads its first version; without onnxruntime, whose import starts a thread
NEEDED = ("slipway.gateway.__main__", "slipway.gateway.server", "slipway.bundle.deployment", "uvloop")


class ForkedGateway:
    """The process of one gateway, with what tests ask of a `Popen`.

    Args:
        environment: All its variables.
        folder: Its working folder.
        log: The file for its standard error.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path, log: int = 2) -> None:
        self._connection, there = socket.socketpair()
        with there:
            socket.send_fds(_forking()[0], [b"."], [there.fileno(), log])
        self._line = self._connection.makefile("rw")
        self._line.write(json.dumps([dict(environment), str(folder)]) + "\n")
        self._line.flush()
        self.pid = int(self._line.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._ended_within(0)

    def wait(self, timeout: float | None = None) -> int:
        if (status := self._ended_within(timeout)) is None:
            raise subprocess.TimeoutExpired("the gateway", timeout or 0)
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


@cache
def _forking() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start the process that forks, and return the connection to it. It ends when the connection closes, as this process ends."""
    here, there = socket.socketpair()
    with there:
        return here, subprocess.Popen([sys.executable, "-m", __name__], stdin=there)


def _fork_gateways(asked: socket.socket) -> int:
    """Fork a gateway whenever one is asked for. Return 0 when the tests have ended; a gateway returns its status from here."""
    for module in NEEDED:
        importlib.import_module(module)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while received := socket.recv_fds(asked, 1, 2)[1]:
        if os.fork() == 0:
            asked.close()
            return _start_and_watch(socket.socket(fileno=received[0]), log=received[1])
        for descriptor in received:
            os.close(descriptor)
    return 0


def _start_and_watch(connection: socket.socket, log: int) -> int:
    """Fork a gateway; say its process number on the connection, and its status when it has ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection, connection.makefile("rw") as line:
        environment, folder = json.loads(line.readline())
        if gateway := os.fork():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            print(gateway, file=line, flush=True)
            status = os.waitstatus_to_exitcode(os.waitpid(gateway, 0)[1])
            if not select.select([connection], [], [], 0)[0]:  # else the test has ended already
                print(status, file=line, flush=True)
            os._exit(0)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    os.dup2(log, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    from slipway.gateway.__main__ import main

    return main()


if __name__ == "__main__":
    sys.exit(_fork_gateways(socket.socket(fileno=0)))
