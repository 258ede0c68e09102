"""The watchman's messages to Prefect, over real HTTP; its looks at a real platform are in tests/platform/test_alarms.py."""

from __future__ import annotations

import http.server
import json
import logging
import subprocess
import sys
import threading
from collections import deque

import httpx
import pytest

from deployments.local.outages import Outages
from deployments.local.platform import ServiceStatus
from deployments.local.services import GATEWAY
from deployments.local.watchman import _reason, deliver
from slipway.settings import Settings


def outage(name: str) -> dict:
    event = Outages(patience=0, starting=0).look(name, "it hangs")
    assert event is not None
    return event


def test_outages_wait_in_their_order_while_prefect_is_down_itself(tmp_path, caplog):
    caplog.set_level(logging.INFO, "slipway.watchman")
    taken: list[tuple[str, list[dict]]] = []
    answers = [503, 204, 422, 204]

    class Prefect(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, sent = answers.pop(0), json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if status == 204:
                taken.append((self.path, sent))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Prefect) as server, httpx.Client(trust_env=False) as http_client:
        settings = Settings(home=tmp_path, prefect_port=server.server_port)
        waiting = deque([outage("mlflow"), outage("worker"), outage("gateway")])
        first, _, last = list(waiting)

        threading.Thread(target=server.serve_forever, daemon=True).start()
        deliver(waiting, settings, http_client)  # 503: it starts
        assert len(waiting) == 3

        deliver(waiting, settings, http_client)
        assert not waiting
        server.shutdown()
    assert taken == [("/api/events", [first]), ("/api/events", [last])]
    assert "Prefect refuses slipway.service.down of worker, so nobody is notified: 422" in caplog.text  # asking again would not help


def test_outages_wait_while_prefect_does_not_answer(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        port = server.server_port
    waiting = deque([outage("prefect")])

    with httpx.Client(trust_env=False) as http_client:
        deliver(waiting, Settings(home=tmp_path, prefect_port=port), http_client)

    assert len(waiting) == 1


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (200, {"status": "ready"}, ""),
        (503, {"reasons": ["audit.db was removed", "toy is being loaded"]}, "audit.db was removed; toy is being loaded"),
        (503, {}, "it is not ready: it answered 503"),
    ],
)
def test_a_gateway_that_answers_and_is_not_ready_is_an_outage_with_its_reasons(tmp_path, status, body, why):
    class NotReady(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/health/ready"
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), NotReady) as server, httpx.Client(trust_env=False) as http_client:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        gateway = ServiceStatus(GATEWAY, "running", True, pid=7, url=None, uptime_seconds=1.0, restarts=0, reason="")
        assert _reason(gateway, Settings(home=tmp_path, gateway_port=server.server_port), http_client) == why
        server.shutdown()


def test_the_watchman_needs_no_heavy_package():
    heavy = "{'prefect', 'mlflow', 'pandas', 'sklearn', 'onnxruntime', 'numpy'}"
    code = f"import sys, deployments.local.watchman; print(sorted({heavy} & set(sys.modules)))"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"
