"""The process: what it loads, how fast it starts, how it ends, and that it loses no line."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import httpx
import psutil
import pytest

from slipway import audit

ROW = [30, 0.0, "F"]
HEAVY = {
    "pydantic",
    "prefect",
    "mlflow",
    "pandas",
    "sklearn",
    "tensorflow",
    "optuna",
    "skops",
    "skl2onnx",
    "onnx",
    "matplotlib",
    "scipy",
    "sqlalchemy",
}


def test_the_gateway_imports_no_training_library():
    modules = "slipway.gateway.__main__, slipway.gateway.server, slipway.bundle.deployment"
    code = f"import sys, {modules}; print(*{{name.partition('.')[0] for name in sys.modules}})"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert HEAVY & set(loaded) == set()


def test_it_starts_quickly_and_stays_small(cold_gateway, bundles, until, record_property):
    cold_gateway.point_at(bundles["toy-1"])
    started = time.perf_counter()
    cold_gateway.start(forked=False)
    ping = time.perf_counter() - started
    until(lambda: httpx.get(f"{cold_gateway.url}/models/toy/ping").is_success)
    loaded = time.perf_counter() - started
    with httpx.Client(headers=cold_gateway.bearer) as client:
        for _ in range(500):
            client.post(f"{cold_gateway.model_url}/invocations", json={"inputs": [ROW]}).raise_for_status()

    megabytes = psutil.Process(cold_gateway.process.pid).memory_info().rss / 1e6
    mapped = {os.path.basename(m.path) for m in psutil.Process(cold_gateway.process.pid).memory_maps()}

    print(f"first /ping after {ping:.2f} s, first model after {loaded:.2f} s, {megabytes:.0f} MB resident")
    assert ping < 3  # about 0.5 s on an idle machine; the promise is 1 s
    assert megabytes < 100
    assert not [name for name in mapped if name.startswith(("libtensorflow", "_libsvm"))]


def test_a_taken_main_port_is_an_error_that_names_port_and_holder(cold_gateway, listening):
    cold_gateway.port = listening().getsockname()[1]

    code = cold_gateway.run().wait(timeout=20)

    assert code == 1
    assert f"port {cold_gateway.port} on 127.0.0.1: expected to be free, but" in cold_gateway.log()
    assert f"(process {os.getpid()}) listens there" in cold_gateway.log()
    assert "Traceback" not in cold_gateway.log()


def test_settings_that_are_not_valid_are_reported_and_nothing_starts(cold_gateway):
    cold_gateway.port = 99_999

    code = cold_gateway.run().wait(timeout=20)

    assert code == 1
    assert "gateway_port" in cold_gateway.log().replace("SLIPWAY_GATEWAY_PORT", "gateway_port")
    assert "the settings are not valid" in cold_gateway.log()


def test_after_sigterm_accepted_requests_are_answered_and_the_status_is_0(serving):
    body = b'{"inputs": [' + b",".join([b'[30, 0.0, "F"]'] * 50_000) + b"]}"
    replies = []
    taken = threading.Event()

    def chunks():
        yield body[:-1]
        taken.set()
        yield body[-1:]

    def ask():
        headers = serving.bearer | {"Content-Type": "application/json"}
        replies.append(httpx.post(f"{serving.model_url}/invocations", content=chunks(), headers=headers, timeout=30))

    thread = threading.Thread(target=ask)
    thread.start()
    taken.wait(timeout=10)
    code = serving.stop(signal.SIGTERM)
    thread.join()

    assert code == 0
    assert [len(reply.json()["predictions"]) for reply in replies] == [50_000]
    assert len(audit.read(serving.home, "toy", 100_000)) == 50_000


def test_every_answered_row_is_in_the_log_with_caller_answer_and_version(serving):
    reply = serving.ask({"dataframe_split": {"columns": ["Sex", "Age", "Oldpeak"], "data": [["F", 30, 0.0], ["M", 80.0, 2]]}})

    second, first = audit.read(serving.home, "toy", 10)
    request = reply.headers["x-request-id"]
    assert (first.prediction_id, second.prediction_id) == (f"{request}-0", f"{request}-1")
    assert (first.key, first.model, first.version, first.run_id) == ("key:tester", "toy", 1, "1" * 32)
    assert (first.row, first.label, second.row, second.label) == ([30, 0.0, "F"], 0, [80.0, 2, "M"], 1)
    assert sum(first.probabilities) == pytest.approx(1, abs=1e-6)
    assert first.time.endswith("+00:00")
    assert 0 < first.latency_ms < 1000
    assert (serving.home / audit.AUDIT).stat().st_mode & 0o777 == 0o600


def test_every_answer_outlives_a_kill_under_load(serving):
    answered, enough = [], threading.Event()

    def ask_until_dead():
        with httpx.Client(headers=serving.bearer) as client:
            while True:
                try:
                    reply = client.post(f"{serving.model_url}/invocations", json={"inputs": [ROW, ROW]})
                except httpx.TransportError:
                    return
                answered.append(reply.headers["x-request-id"])
                if len(answered) > 300:
                    enough.set()

    threads = [threading.Thread(target=ask_until_dead) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert enough.wait(timeout=30)
    serving.stop(signal.SIGKILL)
    for thread in threads:
        thread.join()

    logged = {line.prediction_id for line in audit.read(serving.home, "toy", 1_000_000)}
    assert {f"{request}-{row}" for request in answered for row in (0, 1)} <= logged


def test_nothing_is_answered_while_the_log_cannot_be_written(serving):
    serving.ask({"inputs": [ROW]}).raise_for_status()
    with sqlite3.connect(serving.home / audit.AUDIT, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        reply = serving.ask({"inputs": [ROW]})
        other.execute("ROLLBACK")

    assert (reply.status_code, reply.json()["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert "predictions" not in reply.json()
    assert serving.ask({"inputs": [ROW]}).is_success
    assert len(audit.read(serving.home, "toy", 10)) == 2


def test_a_restarted_gateway_serves_the_versions_that_were_in_service(serving, until):
    serving.stop(signal.SIGKILL)

    serving.start()

    until(lambda: httpx.get(f"{serving.model_url}/ping").is_success)
    assert serving.ask({"inputs": [ROW]}).json() == {"predictions": [0]}
