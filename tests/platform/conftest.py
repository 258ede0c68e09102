"""One real platform for all tests of this folder: real processes, free ports, a home of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from deployments import local
from deployments.local.supervisor import Supervisor
from slipway.catalogue import catalogue
from slipway.settings import Settings
from tests.support import forking

MODEL = "heart-failure"
PASSWORD = "correct-horse-battery-staple"  # in an address that programs get through their environment only


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def settings_in(home: Path) -> Settings:
    prefect, mlflow, gateway = free_ports(3)
    return Settings(
        home=home,
        prefect_port=prefect,
        mlflow_port=mlflow,
        gateway_port=gateway,
        ledger_url=f"postgresql://slipway:{PASSWORD}@127.0.0.1/ledger",
    )


def processes_of(settings: Settings) -> list[psutil.Process]:
    return Supervisor(settings.home).everything()


def wait_until(true: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        time.sleep(0.25)  # the pause between two looks: most are requests, and what is waited for needs the processor


@contextmanager
def stranger_on(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Hold a port with a program that is not ours."""
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as stranger:
        try:
            wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, 20)
            yield stranger
        finally:
            stranger.kill()


@dataclass(frozen=True)
class Platform:
    settings: Settings
    gateway_alone: list[local.ServiceStatus]
    seconds_for_gateway: float
    progress: list[str]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """All five programs; the gateway was started first, alone, and the rest was added. The folder's name is a difficult one."""
    settings = settings_in(tmp_path_factory.mktemp("home") / "a home, 100% odd")
    progress: list[str] = []
    try:
        began = time.monotonic()
        alone = local.up(settings, programs=[local.GATEWAY])
        seconds = time.monotonic() - began
        local.up(settings, on_progress=progress.append)
        yield Platform(settings, alone, seconds, progress)
    finally:
        local.down(settings)


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings of a platform that does not run; whatever a test starts with them is stopped."""
    settings = settings_in(tmp_path / "home").model_copy(update={"api_key": SecretStr("a-key-that-was-set-by-the-user")})
    yield settings
    local.down(settings)


@dataclass(frozen=True)
class Operator:
    """Somebody at a shell, with the settings in the environment."""

    environment: dict[str, str]
    home: Path

    @cached_property
    def settings(self) -> Settings:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            return Settings.load()

    def slipway(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        ran = forking.slipway(*arguments, environment=self.environment, runs_flow=True)
        assert ran.returncode == status, f"{arguments} ended with {ran.returncode}:\n{ran.stdout}\n{ran.stderr}"
        return ran

    def history(self) -> list[dict]:
        return json.loads(self.slipway("history", MODEL, "--json").stdout)


def operator_of(home: Path) -> Operator:
    """Choose free ports for a platform in this home folder; it is for the caller to start."""
    prefect, mlflow, gateway, *own = free_ports(3 + len(catalogue()))
    left_out = ("SLIPWAY_", "PREFECT_", "MLFLOW_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)} | {
        "SLIPWAY_HOME": str(home),
        "SLIPWAY_PREFECT_PORT": str(prefect),
        "SLIPWAY_MLFLOW_PORT": str(mlflow),
        "SLIPWAY_GATEWAY_PORT": str(gateway),
        "SLIPWAY_MODEL_PORTS": json.dumps(dict(zip(catalogue(), own, strict=True))),
    }
    return Operator(environment, home)


@pytest.fixture(scope="session")
def operator(tmp_path_factory: pytest.TempPathFactory, with_tables: Callable[[Path], Path]) -> Iterator[Operator]:
    """Somebody with a platform of their own, started by `slipway up`, for the tests of several files."""
    person = operator_of(with_tables(tmp_path_factory.mktemp("operator")))
    running.append(person)
    person.slipway("up")
    yield person
    end_operators()


running: list[Operator] = []


def end_operators() -> None:
    while running:
        running.pop().slipway("down")


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the platform after the last test that uses it: the rest of the run takes minutes, in which it would be in the way."""
    if nextitem is None or nextitem.path.parent != item.path.parent or "operator" not in getattr(nextitem, "fixturenames", ()):
        end_operators()


@pytest.fixture(scope="session")
def released(operator: Operator) -> dict:
    """What `slipway release --json` printed; nothing else may stand in its output."""
    return json.loads(operator.slipway("release", MODEL, "--sample", "--trials", "3", "--json").stdout)
