"""How long until a released model answers, and what memory it holds: the gateway against `mlflow models serve`.

    python benchmarks/startup.py [--runs 3]

Both serve the same version of heart-failure, trained on sample rows in a temporary folder; medians of the runs. Memory is
the resident set of the whole process tree after 200 requests of one row.
"""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil

from slipway.bundle.installing import install
from slipway.bundle.reading import Bundle
from slipway.catalogue import lookup
from slipway.data import samples, validation
from slipway.gateway import keys
from slipway.settings import LOOPBACK, Settings
from slipway.tracking import registration, registry
from slipway.tracking.connection import connect
from slipway.training import splitting, tuning

REQUESTS = 200
PATIENCE = 120.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        version, run_id = _release(settings)
        with registry.downloaded_bundle(connect(settings), run_id) as bundle:
            print("| server | first answer, s | memory, MB |\n|---|---|---|", flush=True)
            ours = _median([_gateway(settings, bundle) for _ in range(runs)])
            print(f"| gateway | {ours[0]:.2f} | {ours[1]:.0f} |", flush=True)
            theirs = _median([_mlflow(settings, bundle, version) for _ in range(runs)])
            print(f"| mlflow models serve, 1 worker | {theirs[0]:.2f} | {theirs[1]:.0f} |")
            print(f"| ratio | {theirs[0] / ours[0]:.1f} | {theirs[1] / ours[1]:.1f} |")


def _release(settings: Settings) -> tuple[str, str]:
    spec = lookup("heart-failure")
    snapshot = samples.generate(spec, settings.snapshots)
    rows = splitting.split(spec, validation.validate(spec, snapshot.path))
    tuned = tuning.tune(spec, rows, snapshot.sha256, 1, settings.studies)
    candidate = registration.register(spec, snapshot, rows, tuned, settings)
    return f"models:/{candidate.registered_as}/{candidate.version}", candidate.run_id


def _gateway(settings: Settings, bundle: Bundle) -> tuple[float, float]:
    main_port, own_port, key = _free_port(), _free_port(), secrets.token_urlsafe(32)
    keys.add(settings.home, "benchmark", key)
    install(bundle.folder, settings.bundles, own_port)
    environment = os.environ | {"SLIPWAY_HOME": str(settings.home), "SLIPWAY_GATEWAY_PORT": str(main_port), "SLIPWAY_MODEL_PORTS": "{}"}
    return _measure([sys.executable, "-m", "slipway.gateway"], environment, own_port, bundle, {"Authorization": f"Bearer {key}"})


def _mlflow(settings: Settings, bundle: Bundle, version: str) -> tuple[float, float]:
    port = _free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", version, "-p", str(port), "--env-manager", "local"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it starts uvicorn by name
    return _measure(command, os.environ | {"MLFLOW_TRACKING_URI": settings.tracking, "PATH": path}, port, bundle, {})


def _measure(command: list[str], environment: dict[str, str], port: int, bundle: Bundle, headers: dict[str, str]) -> tuple[float, float]:
    """Return the seconds until one row is answered, and the megabytes held after many."""
    body = {"dataframe_split": {"columns": [column.name for column in bundle.contract.columns], "data": bundle.probe.rows[:1]}}
    started = time.perf_counter()
    server = psutil.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://{LOOPBACK}:{port}", headers=headers, timeout=10.0) as client:
            ask = lambda: client.post("/invocations", json=body).raise_for_status()  # noqa: E731
            _until(ask, server)
            seconds = time.perf_counter() - started
            for _ in range(REQUESTS):
                ask()
        tree = [server, *server.children(recursive=True)]
        return seconds, sum(process.memory_info().rss for process in tree) / 1e6
    finally:
        for process in [*server.children(recursive=True), server]:
            process.kill()
        server.wait()


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


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


if __name__ == "__main__":
    main()
