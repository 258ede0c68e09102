"""What the processes of one test run share: folders that the first one to need them makes, and a Prefect server."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

PREFECT = "prefect"


class SharedFolder:
    """The folder of the whole test run, in which each shared folder is made once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def once(self, name: str, make: Callable[[Path], object]) -> Path:
        """Return the folder of this name. The process that needs it first makes it, and the others wait until it is complete."""
        folder, complete = self.folder / name, self.folder / f"{name}.complete"
        with FileLock(self.folder / f"{name}.lock"):
            if not complete.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a process that failed to make it
                folder.mkdir()
                make(folder)
                complete.touch()
        return folder


def of_run(basetemp: Path) -> SharedFolder:
    """Return what the process with this folder for temporary files shares with the others of its run."""
    folder = (basetemp.parent if "PYTEST_XDIST_WORKER" in os.environ else basetemp) / "shared"
    folder.mkdir(exist_ok=True)
    return SharedFolder(folder)


def start_prefect(home: Path) -> None:
    """Start a Prefect server that goes on when this process has ended.

    The folder holds its address in `api`, its `pid`, and in `empty.db` its database as it was at the start.
    """
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    options = ("--host", "127.0.0.1", "--port", str(port), "--no-scheduler", "--no-late-runs", "--no-ui", "--analytics-off")
    api = f"http://127.0.0.1:{port}/api"
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "deployments.local.prefect_server", *options],
            env=os.environ | {"PREFECT_HOME": str(home), "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/prefect.db"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    (home / "pid").write_text(str(server.pid))
    _wait_for_prefect(server, api, home / "server.log")
    with closing(sqlite3.connect(home / "prefect.db")) as database, closing(sqlite3.connect(home / "empty.db")) as copy:
        database.backup(copy)
    (home / "api").write_text(api)


def end_prefect(shared: SharedFolder) -> None:
    """End the server, if one was started."""
    pid = shared.folder / PREFECT / "pid"
    if pid.exists() and psutil.pid_exists(int(pid.read_text())):
        server = psutil.Process(int(pid.read_text()))
        server.terminate()
        server.wait(timeout=60)


def _wait_for_prefect(server: subprocess.Popen[bytes], api: str, log: Path, within: float = 120) -> None:
    import httpx

    deadline = time.monotonic() + within
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{api}/health", timeout=5).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)  # the pause between two looks: each costs as much as a request, and the server needs the processor
    server.kill()
    server.wait()
    pytest.fail(f"no Prefect server within {within:.0f} s:\n{log.read_text()}")
