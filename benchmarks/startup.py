"""How long a released model takes to start, and how much memory it needs: the gateway and `mlflow models serve`.

    python benchmarks/startup.py [--runs 3]

Both serve the same version of heart-failure, trained on sample rows in a temporary folder; medians of the runs. The gateway
is measured once more with every model of the catalogue. Memory is the resident set of the whole process tree after 200
requests of one row to each model.
"""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import psutil
from serving_parts.models import release
from serving_parts.servers import free_port

from slipway.access import keys
from slipway.bundle.reading import Bundle
from slipway.catalogue import services
from slipway.settings import LOOPBACK, Settings

HEART = "heart-failure"
REQUESTS = 200
PATIENCE = 120.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        ports = {name: free_port() for name in (HEART, *services())}
        released = release(HEART, settings, ports[HEART])
        version, heart = released.address, released.bundle
        print("| server | models | first answers, s | memory, MB |\n|---|---|---|---|", flush=True)
        ours = _median([_gateway(settings, [heart], ports) for _ in range(runs)])
        print(f"| gateway | 1 | {ours[0]:.2f} | {ours[1]:.0f} |", flush=True)
        theirs = _median([_mlflow(settings, heart, version) for _ in range(runs)])
        print(f"| mlflow models serve, 1 worker | 1 | {theirs[0]:.2f} | {theirs[1]:.0f} |")
        print(f"| ratio | | {theirs[0] / ours[0]:.1f} | {theirs[1] / ours[1]:.1f} |", flush=True)
        others = [release(name, settings, ports[name]).bundle for name in services() if name != HEART]
        every = _median([_gateway(settings, [heart, *others], ports) for _ in range(runs)])
        print(f"| gateway | {1 + len(others)} | {every[0]:.2f} | {every[1]:.0f} |")


def _gateway(settings: Settings, bundles: list[Bundle], ports: dict[str, int]) -> tuple[float, float]:
    key = secrets.token_urlsafe(32)
    keys.add(settings.home, "benchmark", key)
    environment = os.environ | {
        "SLIPWAY_HOME": str(settings.home),
        "SLIPWAY_GATEWAY_PORT": str(free_port()),
        "SLIPWAY_MODEL_PORTS": "{}",
    }
    asked = {ports[bundle.contract.model]: bundle for bundle in bundles}
    return _measure([sys.executable, "-m", "slipway.gateway"], environment, asked, {"Authorization": f"Bearer {key}"})


def _mlflow(settings: Settings, bundle: Bundle, version: str) -> tuple[float, float]:
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", version, "-p", str(port), "--env-manager", "local"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it starts uvicorn by name
    return _measure(command, os.environ | {"MLFLOW_TRACKING_URI": settings.tracking, "PATH": path}, {port: bundle}, {})


def _measure(command: list[str], environment: dict[str, str], asked: dict[int, Bundle], headers: dict[str, str]) -> tuple[float, float]:
    """Return the seconds until every port has answered one row, and the megabytes after many rows."""
    started = time.perf_counter()
    server = psutil.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        with httpx.Client(headers=headers, timeout=10.0) as client:
            asks = [partial(_ask, client, port, bundle) for port, bundle in asked.items()]
            for ask in asks:
                _until(ask, server)
            seconds = time.perf_counter() - started
            for ask in asks * REQUESTS:
                ask()
        tree = [server, *server.children(recursive=True)]
        return seconds, sum(process.memory_info().rss for process in tree) / 1e6
    finally:
        for process in [*server.children(recursive=True), server]:
            process.kill()
        server.wait()


def _ask(client: httpx.Client, port: int, bundle: Bundle) -> None:
    body = {"dataframe_split": {"columns": [column.name for column in bundle.contract.columns], "data": bundle.probe.rows[:1]}}
    client.post(f"http://{LOOPBACK}:{port}/invocations", json=body).raise_for_status()


def _until(ask: Callable[[], object], server: psutil.Popen) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            ask()
        except httpx.HTTPError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _median(measured: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(seconds for seconds, _ in measured), statistics.median(memory for _, memory in measured)


if __name__ == "__main__":
    main()
