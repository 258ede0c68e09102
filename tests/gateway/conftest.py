"""The real gateway in its own process, real bundles compiled from scikit-learn, real HTTP."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway.access import keys
from slipway.bundle.contract import Column, Contract, Probe
from slipway.bundle.store.active import Pointer, install, point
from slipway.bundle.writing import write
from slipway.certificates import trial
from tests.support import forking
from tests.support.forking import Forked

COLUMNS = (
    Column("Age", "integer", "age at admission", unit="years", low=0, high=120),
    Column("Oldpeak", "number", "depression of the ST segment", unit="mm", low=-10, high=10),
    Column("Sex", "category", "sex", values=("F", "M")),
)
YOUNG, OLD = [30, 0.0, "F"], [80, 2.0, "M"]


def _until(condition: Callable[[], Any], seconds: float = 10, what: str = "the condition") -> Any:
    """Return the first true value of `condition`; a connection that is refused counts as not yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if value := condition():
                return value
        except (httpx.TransportError, ConnectionError):
            pass
        time.sleep(0.05)  # the pause between two looks: each is a request, and the gateway that starts needs the processor
    pytest.fail(f"{what} did not come true in {seconds} s")


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass
class Gateway:
    """One gateway process and its home folder."""

    home: Path
    port: int = field(default_factory=_free_port)
    model_port: int = field(default_factory=_free_port)
    key: str = field(default_factory=keys.generate)
    process: Forked | subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def model_url(self) -> str:
        return f"http://127.0.0.1:{self.model_port}"

    @property
    def store(self) -> Path:
        return self.home / "bundles"

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def run(self, *, forked: bool = True) -> Forked | subprocess.Popen[bytes]:
        """Start the process, without waiting for anything.

        Args:
            forked: Whether it is forked from a process that has imported what it needs, or imports that itself.
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("SLIPWAY_", "MLFLOW_"))}
        environment |= {"SLIPWAY_HOME": str(self.home), "SLIPWAY_GATEWAY_PORT": str(self.port)}
        with (self.home / "gateway.log").open("a") as log:
            if forked:
                self.process = forking.gateway(environment, self.home, log.fileno())
            else:
                self.process = subprocess.Popen([sys.executable, "-m", "slipway.gateway"], env=environment, cwd=self.home, stderr=log)
        return self.process

    def start(self, *, forked: bool = True) -> Gateway:
        self.run(forked=forked)
        _until(lambda: httpx.get(f"{self.url}/ping").is_success, what="/ping")
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal to the process, if it runs, and return its exit code."""
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=40)

    def point_at(self, bundle: Path, port: int | None = None) -> Pointer:
        """Install a bundle without waiting for the gateway."""
        return install(bundle, self.store, port or self.model_port)

    def withdraw(self, model: str) -> None:
        point(self.store, model, None)

    def serve(self, bundle: Path, model: str = "toy", port: int | None = None) -> Pointer:
        """Install a bundle and return when it answers."""
        pointer = self.point_at(bundle, port)
        _until(lambda: self.status(model).get("installation") == pointer.installation, what=f"{bundle.name} in service")
        return pointer

    def status(self, model: str = "toy") -> dict[str, Any]:
        return httpx.get(f"{self.url}/models/{model}", headers=self.bearer).json()

    def ask(self, content: Any, **options: Any) -> httpx.Response:
        """POST JSON to the model's own port."""
        return httpx.post(f"{self.model_url}/invocations", json=content, headers=self.bearer, timeout=30, **options)

    def point_at_folder(self, name: str, model: str = "toy") -> str:
        """Point at any folder of the store, without the checks of `install`; return the installation."""
        (self.store / model).mkdir(parents=True, exist_ok=True)
        point(self.store, model, Pointer(name, self.model_port, f"installation-{name}"))
        return f"installation-{name}"

    def fails(self, installation: str, model: str = "toy") -> dict[str, Any]:
        """Return the model's status when this installation has failed."""
        _until(lambda: (self.status(model).get("error") or {}).get("installation") == installation, what="the failure")
        return self.status(model)

    def log(self) -> str:
        return (self.home / "gateway.log").read_text()


@pytest.fixture
def until() -> Callable[..., Any]:
    """Wait for a condition: `until(condition, seconds=10)` returns its first true value."""
    return _until


@pytest.fixture
def free_port() -> Callable[[], int]:
    return _free_port


@pytest.fixture
def listening() -> Iterator[Callable[[], socket.socket]]:
    """Listen on a free port, in the test's own process."""
    with contextlib.ExitStack() as opened:
        yield lambda: opened.enter_context(socket.create_server(("127.0.0.1", 0)))


@pytest.fixture
def cold_gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that is not started yet, with a key."""
    gateway = Gateway(tmp_path)
    keys.add(gateway.home, "tester", gateway.key)
    yield gateway
    if gateway.process:
        gateway.stop(signal.SIGKILL)


@pytest.fixture
def gateway(cold_gateway: Gateway) -> Gateway:
    """A running gateway with a key and no model."""
    return cold_gateway.start()


@pytest.fixture
def serving(gateway: Gateway, bundles: dict[str, Path]) -> Gateway:
    """A running gateway that answers with version 1 of `toy`: 0 for YOUNG, 1 for OLD. Version 2 says the opposite."""
    gateway.serve(bundles["toy-1"])
    return gateway


@pytest.fixture(scope="session")
def answering(tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Path]) -> Iterator[Gateway]:
    """A gateway as `serving`, for all tests that change nothing."""
    gateway = Gateway(tmp_path_factory.mktemp("home"))
    keys.add(gateway.home, "tester", gateway.key)
    gateway.start().serve(bundles["toy-1"])
    yield gateway
    gateway.stop()


@dataclass(frozen=True)
class Secured:
    """A gateway under TLS, and what its callers trust."""

    gateway: Gateway
    authority: Path
    trust: ssl.SSLContext


@pytest.fixture(scope="session")
def secured_answering(tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Path]) -> Iterator[Secured]:
    """A gateway under TLS that answers as `answering`."""
    gateway = Gateway(tmp_path_factory.mktemp("home"))
    keys.add(gateway.home, "tester", gateway.key)
    pair = trial.server(gateway.home / "certificates")
    (gateway.home / ".env").write_text(f"SLIPWAY_TLS_CERTIFICATE={pair.certificate}\nSLIPWAY_TLS_KEY={pair.key}\n")
    authority = pair.certificate.with_name("authority.pem")
    trust = ssl.create_default_context(cafile=str(authority))
    gateway.point_at(bundles["toy-1"])
    gateway.run()
    _until(lambda: httpx.get(f"https://127.0.0.1:{gateway.port}/models/toy/ping", verify=trust).is_success, seconds=20, what="/ping")
    yield Secured(gateway, authority, trust)
    gateway.stop()


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of whole bundles: toy-1, toy-2 (classes 0 and 1, by threshold) and words-1 (three texts, the most probable one)."""
    folder = tmp_path_factory.mktemp("bundles")
    _build(folder / "toy-1", "toy", 1, (0, 1), lambda age: int(age > 55))
    _build(folder / "toy-2", "toy", 2, (0, 1), lambda age: int(age <= 55))
    _build(
        folder / "words-1", "words", 1, ("Dropout", "Enrolled", "Graduate"), lambda age: ("Dropout", "Enrolled", "Graduate")[int(age // 41)]
    )
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture
def spoilt(bundles: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """Copy a bundle for the test to damage."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(bundles[name], tmp_path / "spoilt" / name))

    return copy


def _build(folder: Path, model: str, version: int, classes: tuple[int | str, ...], label: Callable[[float], int | str]) -> None:
    import numpy as np
    import pandas as pd
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    random = np.random.default_rng(7)
    frame = pd.DataFrame(
        {"Age": random.integers(1, 120, 600), "Oldpeak": random.normal(0, 1, 600).round(1), "Sex": random.choice(["F", "M"], 600)}
    )
    target = [label(age) for age in frame["Age"]]
    preparation = ColumnTransformer([("numbers", StandardScaler(), ["Age", "Oldpeak"]), ("texts", OneHotEncoder(), ["Sex"])])
    pipeline = make_pipeline(preparation, LogisticRegression(max_iter=1_000)).fit(frame, target)
    kinds = [(c.name, (StringTensorType if c.kind == "category" else FloatTensorType)([None, 1])) for c in COLUMNS]
    graph = to_onnx(pipeline, initial_types=kinds, options={"zipmap": False})
    contract = Contract(
        format=1,
        model=model,
        registered_as=f"{model}_logistic",
        version=version,
        run_id=f"{version}" * 32,
        engine="onnx",
        description="a model for tests",
        columns=COLUMNS,
        target="Answer",
        classes=classes,
        class_meanings=tuple(map(str, classes)),
        positive=1 if len(classes) == 2 else None,
        threshold=0.5 if len(classes) == 2 else None,
        data_sha256="0" * 64,
        sample=True,
        metrics={"accuracy": 1.0},
        mlflow_version="3.17.2",
        created_at="2026-11-01T00:00:00+00:00",
    )
    head = frame.head(20)
    probe = Probe(head.to_numpy(dtype=object).tolist(), pipeline.predict(head).tolist(), pipeline.predict_proba(head).tolist())
    write(folder, {"model.onnx": graph.SerializeToString()}, contract, probe)
