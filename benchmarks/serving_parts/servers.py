"""The servers that are compared. Each is a process tree of its own, with the seconds until its first right answer and its memory."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

LOOPBACK = "127.0.0.1"
PATIENCE = 180.0
HERE = Path(__file__).parent


def free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@dataclass(frozen=True)
class Server:
    """Where a server answers. `seconds` is the time until its first answer."""

    process: psutil.Popen
    port: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    authority: str | None = None
    seconds: float = 0.0

    def memory(self) -> float:
        """Return the megabytes of the process tree, with shared memory counted once (PSS)."""
        return sum(process.memory_full_info().pss for process in [self.process, *self.process.children(recursive=True)]) / 1e6

    def post(self, content: Any) -> httpx.Response:
        scheme = "https" if self.authority else "http"
        trust = ssl.create_default_context(cafile=self.authority) if self.authority else True
        return httpx.post(
            f"{scheme}://{LOOPBACK}:{self.port}{self.path}", json=content, headers=dict(self.headers), timeout=60, verify=trust
        )


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], ask: Callable[[psutil.Popen], object], log: Path) -> Iterator[Any]:
    """Start a server, wait until `ask` raises no HTTP error, yield (process, seconds), and end the whole tree."""
    started = time.perf_counter()
    with log.open("ab") as output:
        process = psutil.Popen(list(command), env=dict(environment), stdout=output, stderr=output, cwd=log.parent)
    try:
        _until(ask, process, log)
        yield process, time.perf_counter() - started
    finally:
        for one in [*process.children(recursive=True), process]:
            one.kill()
        process.wait()


def load(server: Server, body: object, expected: object, connections: int, seconds: float, *, warm_up: float = 0.5) -> dict[str, Any]:
    """Return requests a second, p50 and p99 in ms, and errors; answers are compared with `expected` unless it is None."""
    task = {
        "port": server.port,
        "path": server.path,
        "headers": dict(server.headers),
        "authority": server.authority,
        "body": json.dumps(body),
        "expected": "" if expected is None else json.dumps(expected, separators=(",", ":")),
        "connections": connections,
        "seconds": seconds,
        "warm_up": warm_up,
    }
    done = subprocess.run([sys.executable, HERE / "load.py"], input=json.dumps(task), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the load failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def environment(**more: str) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # mlflow starts uvicorn by name
    return {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")} | {"PATH": path} | more


def _until(ask: Callable[[psutil.Popen], object], process: psutil.Popen, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            ask(process)
        except httpx.HTTPError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not answer; its log ends: {log.read_text()[-2000:]}") from None
            time.sleep(0.02)
        else:
            return
