"""A real Prefect server, a real MLflow database and a real gateway process, shared by the tests of the flows."""

from __future__ import annotations

import http.server
import json
import logging
import os
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import msgspec
import pytest
from typer.testing import CliRunner

from deployments.cli import app
from deployments.server.prefect_api import PrefectServer
from slipway.bundle.reading import Bundle
from slipway.bundle.store import active
from slipway.settings import LOOPBACK, Settings
from tests.support import forking
from tests.support.forking import Forked
from tests.support.homes import copy_home
from tests.support.service import Service
from tests.support.shared import SharedFolder

MODEL = "heart-failure"
STARTS_WITHIN = 30.0


@dataclass(frozen=True)
class Place:
    """A home folder with a gateway that serves it."""

    home: Path
    key: str
    gateway: Forked

    @property
    def settings(self) -> Settings:
        return Settings.load()

    def history(self) -> list[dict]:
        """What `slipway history --json` prints, run in this process: one of its own would import for seconds."""
        shown = CliRunner().invoke(app, ["history", MODEL, "--json"], catch_exceptions=False)
        assert shown.exit_code == 0, shown.output
        return json.loads(shown.stdout)


@pytest.fixture
def place(
    prefect_server: str, empty_mlflow: Path, tmp_path: Path, free_ports: Callable[[int], list[int]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """An empty home and a gateway on free ports; settings are read from the environment, as in production."""
    with _opened(tmp_path, empty_mlflow, prefect_server, free_ports(2), monkeypatch) as opened:
        yield opened


@pytest.fixture(scope="session")
def released_home(prefect_server: str, empty_mlflow: Path, shared: SharedFolder, free_ports: Callable[[int], list[int]]) -> Path:
    """A home in which version 1 was released on sample rows, with two trials: a release takes seconds, a copy of it does not."""

    def make(home: Path) -> None:
        from flows.release import release

        with pytest.MonkeyPatch.context() as patch, _opened(home, empty_mlflow, prefect_server, free_ports(2), patch):
            assert release(MODEL, sample=True, trials=2, jobs=1, return_state=True).name == "Promoted"

    return shared.once("released", make)


@pytest.fixture
def released(place: Place, released_home: Path) -> Place:
    """The place, with version 1 in service."""
    copy_home(released_home, place.home, "gateway", "locks")
    move_endpoint(place)
    return place


@pytest.fixture
def service(place: Place, write_bundle: Callable[..., Bundle]) -> Service:
    """Puts versions into service in the place, without training them."""
    return Service(place, write_bundle)


@pytest.fixture
def begin(prefect_server):
    """Run a flow in another thread, as a worker would in another process; what it returns is its state, when it has ended.

    A run that still asks a person when the test ends, because that has failed, is cancelled: it would wait for an hour.
    """
    begun = []

    def submit(flow, *arguments, **parameters):
        begun.append(pool.submit(copy_context().run, partial(flow, *arguments, return_state=True, **parameters)))
        return begun[-1]

    with ThreadPoolExecutor(1) as pool:
        yield submit
        while not all(run.done() for run in begun):
            _cancel_questions(prefect_server)
            wait(begun, timeout=1)


def _cancel_questions(prefect_server):
    asking = {"flows": {"name": {"any_": ["approval"]}}, "flow_runs": {"state": {"type": {"not_any_": ["CANCELLED", "COMPLETED"]}}}}
    with PrefectServer(prefect_server) as server:
        for run in server.call("POST", "/flow_runs/filter", asking):
            server.call("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "CANCELLED"}, "force": True})


@pytest.fixture
def waits(place, until):
    """Return the one release that waits for approval, when it does."""

    from deployments.server import approvals

    def look():
        found = []
        until(lambda: found.extend(approvals.waiting(place.settings, MODEL)) or found, "a release waits for approval", within=200)
        return found[0]

    return look


@pytest.fixture
def started_by(prefect_server):
    """Run a flow as if it was started by a schedule, an automation or another: Prefect's run says what started it."""

    from prefect.client.orchestration import get_client
    from prefect.flow_engine import run_flow
    from prefect.states import Pending

    from slipway.records import STARTED_BY

    def run(by, flow, **parameters):
        with get_client(sync_client=True) as client:
            made = client.create_flow_run(flow, parameters=parameters, state=Pending())
            client.update_flow_run_labels(made.id, {STARTED_BY: by})
            made = client.read_flow_run(made.id)
        return run_flow(flow, flow_run=made, parameters=parameters, return_type="state")

    return run


def move_endpoint(place: Place) -> None:
    """Have the model of a copied home answer at its port here, and wait until it does."""
    bundles, own = place.settings.bundles, place.settings.model_ports[MODEL]
    pointer = active.active(bundles, MODEL)
    assert pointer is not None
    active.point(bundles, MODEL, msgspec.structs.replace(pointer, port=own))
    wait_until(lambda: _answers(f"http://{LOOPBACK}:{own}/ping"), "the endpoint answers")


@contextmanager
def _opened(home: Path, empty_mlflow: Path, prefect_server: str, ports: list[int], environment: pytest.MonkeyPatch) -> Iterator[Place]:
    from slipway.access import keys

    (home / "mlflow").mkdir()
    shutil.copy(empty_mlflow, home / "mlflow")
    key = "slw_" + secrets.token_urlsafe(24)
    keys.add(home, "test", key)
    with serve(home, key, prefect_server, ports, environment) as opened:
        yield opened


@contextmanager
def serve(home: Path, key: str, prefect_server: str, ports: list[int], environment: pytest.MonkeyPatch) -> Iterator[Place]:
    """Start a gateway for a home folder, at the ports for the gateway and the model, and have the environment name both."""
    main, own = ports
    for name, value in {
        "SLIPWAY_HOME": str(home),
        "SLIPWAY_GATEWAY_PORT": str(main),
        "SLIPWAY_MODEL_PORTS": json.dumps({MODEL: own}),
        "SLIPWAY_API_KEY": key,
        "PREFECT_API_URL": prefect_server,
        "PREFECT_LOGGING_EXTRA_LOGGERS": "slipway",
    }.items():
        environment.setenv(name, value)
    for name in ("MLFLOW_TRACKING_URI", "SLIPWAY_TRACKING_URI", "SLIPWAY_LEDGER_URL"):
        environment.setenv(name, "")  # so that it is absent again afterwards, also if MLflow sets it meanwhile
        environment.delenv(name)
    gateway = forking.gateway(os.environ, home)
    try:
        wait_until(lambda: _answers(f"http://{LOOPBACK}:{main}/ping"), "the gateway answers")
        yield Place(home, key, gateway)
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
        time.sleep(0.1)  # the pause between two looks: one may cost as much as a request, and what is waited for needs the processor


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1.0).is_success
    except httpx.TransportError:
        return False


class AnotherProgram(logging.Handler):
    """An HTTP server that takes a port when the next flow has found it free, which it does in its step `recover`."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.server: http.server.HTTPServer | None = None
        logging.getLogger("prefect.task_runs").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if not self.server and getattr(record, "task_run_name", "").startswith("recover-") and "Completed" in record.getMessage():
            self.server = http.server.ThreadingHTTPServer((LOOPBACK, self.port), AnswersNothing)
            threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self) -> None:
        logging.getLogger("prefect.task_runs").removeHandler(self)
        assert self.server, "no flow looked at the port"
        self.server.shutdown()
        self.server.server_close()


class AnswersNothing(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"predictions": []}')


@contextmanager
def taken_meanwhile(port: int) -> Iterator[None]:
    """Have another program take a port while a flow runs."""
    another = AnotherProgram(port)
    try:
        yield
    finally:
        another.end()
