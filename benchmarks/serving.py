"""How fast models are served by `mlflow models serve`, BentoML, a bare ASGI reply (the ceiling) and the gateway, one worker each.

    python benchmarks/serving.py [--models heart-failure ...] [--seconds 3] [--without bentoml] [--json]

One run on one machine. The models are trained on sample rows in a temporary folder. The load comes from one other process, over
kept-alive connections; each sends its next request when the last one is answered. Every answer of the gateway and of MLflow is compared
with the measured label. The gateway runs with authentication, limits, checks and the audit log, with TLS off and on; the others have
none of these. BentoML is installed into a virtual environment of its own, made with uv, and serves the same MLflow model.
"""

from __future__ import annotations

import argparse
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import psutil
from serving_parts.models import Released, release
from serving_parts.servers import HERE, LOOPBACK, Server, environment, free_port, load, running

from slipway.access import keys
from slipway.catalogue import services
from slipway.certificates.trial import authority, server
from slipway.settings import Settings

LOADS = ((1, 1), (1, 16), (1_000, 1), (1_000, 16))
CEILING, MLFLOW, BENTOML, PLAIN, TLS = "bare ASGI", "mlflow models serve", "BentoML", "gateway", "gateway, TLS"
Start = Callable[[], AbstractContextManager[Server]]


@dataclass(frozen=True)
class Line:
    """One server under one load; times in milliseconds, memory in megabytes (PSS), start in seconds."""

    server: str
    model: str
    rows: int
    connections: int
    requests_per_second: float
    rows_per_second: float
    p50_ms: float
    p99_ms: float
    errors: int
    start_seconds: float
    memory: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=sorted(services()), choices=sorted(services()), metavar="NAME")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each figure is measured (3)")
    parser.add_argument("--without", nargs="+", default=[], choices=[MLFLOW, BENTOML, "mlflow", "bentoml"], help="servers to leave out")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        models = {name: release(name, settings, free_port()) for name in asked.models}
        lines = list(_measure(models, settings, asked.seconds, {name.split()[0].lower() for name in asked.without}))
    if asked.json:
        json.dump([asdict(line) for line in lines], sys.stdout, indent=2)
        return
    print(_table(lines))
    print(_ratios(lines))


def _measure(models: dict[str, Released], settings: Settings, seconds: float, without: set[str]) -> Iterator[Line]:
    bento = None if "bentoml" in without else _bentoml_python(settings.home)
    for name, model in models.items():
        starts: dict[str, Start] = {
            CEILING: lambda: _bare(settings.home),
            PLAIN: lambda model=model: _gateway(settings, model, tls=False),
            TLS: lambda model=model: _gateway(settings, model, tls=True),
        }
        if "mlflow" not in without:
            starts[MLFLOW] = lambda model=model: _mlflow(settings, model)
        if bento:
            starts[BENTOML] = lambda model=model: _bento(settings, model, bento)
        for which, start in starts.items():
            with start() as found:
                for rows, connections in LOADS:
                    yield _line(which, name, model, found, rows, connections, seconds)


def _line(which: str, name: str, model: Released, found: Server, rows: int, connections: int, seconds: float) -> Line:
    body: Any = model.body(rows)
    expected: Any = {"predictions": model.labels(rows)}
    if which == BENTOML:
        body = {"rows": [dict(zip(body["dataframe_split"]["columns"], row, strict=True)) for row in body["dataframe_split"]["data"]]}
        expected = expected["predictions"]
    figures = load(found, body, None if which == CEILING else expected, connections, seconds)
    if figures["errors"]:
        print(f"{which}, {name}: {figures['errors']} errors, the first: {figures['first_error'][:300]}", file=sys.stderr)
    rate = figures["requests_per_second"]
    line = Line(
        server=which,
        model=name,
        rows=rows,
        connections=connections,
        requests_per_second=rate,
        rows_per_second=rate * rows,
        p50_ms=figures["p50_ms"],
        p99_ms=figures["p99_ms"],
        errors=figures["errors"],
        start_seconds=found.seconds,
        memory=found.memory(),
    )
    print(f"{which}, {name}, {rows} rows, {connections} connections: {rate:,.0f} requests/s", file=sys.stderr, flush=True)
    return line


@contextmanager
def _bare(home: Path) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "bare:app", "--app-dir", str(HERE), "--port", str(port), "--no-access-log"]
    command += ["--http", "httptools", "--loop", "uvloop", "--log-level", "warning"]

    def ask(_: psutil.Popen) -> None:
        httpx.post(f"http://{LOOPBACK}:{port}/", content=b"{}").raise_for_status()

    with running(command, environment(), ask, home / "bare.log") as (process, seconds):
        yield Server(process, port, "/", seconds=seconds)


@contextmanager
def _gateway(settings: Settings, model: Released, *, tls: bool) -> Iterator[Server]:
    key = secrets.token_urlsafe(32)
    keys.add(settings.home, "benchmark", key)
    variables = {"SLIPWAY_HOME": str(settings.home), "SLIPWAY_GATEWAY_PORT": str(free_port())}
    # the limits of a service, but higher than one caller can reach here
    variables |= {"SLIPWAY_RATE_PER_CALLER": "100000000/minute", "SLIPWAY_RATE_PER_ADDRESS": "100000000/minute"}
    trusted = None
    if tls:
        folder = settings.home / "certificates"
        trusted = str(authority(folder).certificate)
        pair = server(folder)
        variables |= {"SLIPWAY_TLS_CERTIFICATE": str(pair.certificate), "SLIPWAY_TLS_KEY": str(pair.key)}
    headers = {"Authorization": f"Bearer {key}"}

    def ask(process: psutil.Popen) -> None:
        Server(process, model.port, "/invocations", headers, trusted).post(model.body(1)).raise_for_status()

    command = [sys.executable, "-m", "slipway.gateway"]
    with running(command, environment(**variables), ask, settings.home / "gateway.log") as (process, seconds):
        yield Server(process, model.port, "/invocations", headers, trusted, seconds)


@contextmanager
def _mlflow(settings: Settings, model: Released) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", model.address, "-p", str(port), "--env-manager", "local"]

    def ask(process: psutil.Popen) -> None:
        Server(process, port, "/invocations").post(model.body(1)).raise_for_status()

    variables = environment(MLFLOW_TRACKING_URI=settings.tracking)
    with running(command, variables, ask, settings.home / "mlflow.log") as (process, seconds):
        yield Server(process, port, "/invocations", seconds=seconds)


@contextmanager
def _bento(settings: Settings, model: Released, python: Path) -> Iterator[Server]:
    port = free_port()
    command = [str(python), "-m", "bentoml", "serve", "bento_service:Model", "--working-dir", str(HERE), "-p", str(port)]
    variables = environment(BENTO_MODEL=model.address, MLFLOW_TRACKING_URI=settings.tracking, BENTOML_DO_NOT_TRACK="True")
    variables |= {"BENTOML_HOME": str(settings.home / "bentoml"), "PATH": f"{python.parent}:{variables['PATH']}"}
    split: Any = model.body(1)["dataframe_split"]
    row = dict(zip(split["columns"], split["data"][0], strict=True))

    def ask(process: psutil.Popen) -> None:
        Server(process, port, "/predict").post({"rows": [row]}).raise_for_status()

    with running(command, variables, ask, settings.home / "bentoml.log") as (process, seconds):
        yield Server(process, port, "/predict", seconds=seconds)


def _bentoml_python(home: Path) -> Path:
    """Return the Python of a new environment with BentoML and the packages of the models; BentoML's version bounds differ from ours."""
    folder = home / "bentoml-environment"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    same = [f"{name}=={version(name)}" for name in ("mlflow", "scikit-learn", "pandas", "numpy", "skops", "tensorflow")]
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", "bentoml>=1.4,<2", *same], check=True)
    return folder / "bin" / "python"


def _table(lines: list[Line]) -> str:
    head = "| model | rows | connections | server | requests/s | rows/s | p50, ms | p99, ms | errors | start, s | memory, MB |"
    out = [head, "|" + "---|" * 11]
    for line in sorted(lines, key=lambda line: (line.model, line.rows, line.connections)):
        out.append(
            f"| {line.model} | {line.rows} | {line.connections} | {line.server} "
            f"| {line.requests_per_second:,.0f} | {line.rows_per_second:,.0f} "
            f"| {line.p50_ms:.2f} | {line.p99_ms:.2f} | {line.errors} | {line.start_seconds:.1f} | {line.memory:.0f} |"
        )
    return "\n".join(out)


def _ratios(lines: list[Line]) -> str:
    """Return the gateway's requests a second as a multiple of each other server's."""
    rates = {(line.server, line.model, line.rows, line.connections): line.requests_per_second for line in lines}
    servers = [name for name in (MLFLOW, BENTOML, CEILING) if any(line.server == name for line in lines)]
    out = ["\n| model | rows | connections | " + " | ".join(f"{ours} / {other}" for ours in (PLAIN, TLS) for other in servers) + " |"]
    out.append("|" + "---|" * (3 + 2 * len(servers)))
    for model in dict.fromkeys(line.model for line in lines):
        for rows, connections in LOADS:
            place = (model, rows, connections)
            found = [
                rates[ours, *place] / rates[other, *place] if rates[other, *place] else float("nan")
                for ours in (PLAIN, TLS)
                for other in servers
            ]
            out.append(f"| {model} | {rows} | {connections} | " + " | ".join(f"{ratio:.2f}" for ratio in found) + " |")
    return "\n".join(out)


if __name__ == "__main__":
    main()
