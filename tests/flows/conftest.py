"""A real Prefect server, a real MLflow database and a real gateway process, shared by the tests of the flows."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from slipway.settings import LOOPBACK, Settings

MODEL = "heart-failure"
STARTS_WITHIN = 30.0


@dataclass(frozen=True)
class Place:
    """A home folder with a gateway that serves it."""

    home: Path
    key: str
    gateway: subprocess.Popen[bytes]

    @property
    def settings(self) -> Settings:
        return Settings.load()

    def history(self) -> list[dict]:
        shown = subprocess.run(
            [sys.executable, "-m", "deployments.cli", "history", MODEL, "--json"], capture_output=True, text=True, check=True
        )
        return json.loads(shown.stdout)


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables and nothing in them: making them takes seconds, copying them does not."""
    from slipway.tracking.connection import connect

    settings = Settings(home=tmp_path_factory.mktemp("mlflow"), tracking_uri=None)
    connect(settings)
    return settings.home / "mlflow" / "mlflow.db"


@pytest.fixture
def place(
    prefect_server: str, empty_mlflow: Path, tmp_path: Path, free_ports: Callable[[int], list[int]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """An empty home and a gateway on free ports; settings are read from the environment, as in production."""
    from slipway.access import keys

    (tmp_path / "mlflow").mkdir()
    shutil.copy(empty_mlflow, tmp_path / "mlflow")
    main, own = free_ports(2)
    key = "slw_" + secrets.token_urlsafe(24)
    keys.add(tmp_path, "test", key)
    for name, value in {
        "SLIPWAY_HOME": str(tmp_path),
        "SLIPWAY_GATEWAY_PORT": str(main),
        "SLIPWAY_MODEL_PORTS": json.dumps({MODEL: own}),
        "SLIPWAY_API_KEY": key,
        "PREFECT_API_URL": prefect_server,
        "PREFECT_LOGGING_EXTRA_LOGGERS": "slipway",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("MLFLOW_TRACKING_URI", "SLIPWAY_TRACKING_URI", "SLIPWAY_LEDGER_URL"):
        monkeypatch.delenv(name, raising=False)
    gateway = subprocess.Popen([sys.executable, "-m", "slipway.gateway"], env=os.environ.copy())
    try:
        wait_until(lambda: _answers(f"http://{LOOPBACK}:{main}/ping"), "the gateway answers")
        yield Place(tmp_path, key, gateway)
    finally:
        gateway.kill()
        gateway.wait()


@pytest.fixture(scope="session")
def free_ports() -> Callable[[int], list[int]]:
    def find(count: int) -> list[int]:
        sockets = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
        ports = [taken.getsockname()[1] for taken in sockets]
        for taken in sockets:
            taken.close()
        return ports

    return find


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], object], str], None]:
    return wait_until


def wait_until(condition: Callable[[], object], what: str, within: float = STARTS_WITHIN) -> None:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {within:.0f} s in vain until {what}")
        time.sleep(0.02)  # the pause between two looks at a condition


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1.0).is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def other_server() -> Iterator[int]:
    """The port of an HTTP server that is not the gateway."""
    import http.server
    import threading

    class Other(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"predictions": []}')

    server = http.server.ThreadingHTTPServer((LOOPBACK, 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()
