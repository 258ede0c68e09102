"""Asking a Prefect server whose database is busy, is down, or refuses: against an HTTP server that answers as it does then."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deployments.server import prefect_api
from deployments.server.prefect_api import PrefectServer
from slipway.errors import PlatformError

BUSY = b'{"exception_message": "Service Unavailable"}'


class BusyServer(ThreadingHTTPServer):
    """Answers 503 a given number of times, then 200 with what it was sent."""

    busy = 0
    asked = 0
    path = ""
    page: bytes | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/behind/a/proxy"


class _Handler(BaseHTTPRequestHandler):
    server: BusyServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        busy = self.server.asked <= self.server.busy
        self.send_response(503 if busy else 200)
        self.end_headers()
        self.server.path = self.path
        self.wfile.write(BUSY if busy else self.server.page or body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BusyServer]:
    monkeypatch.setattr(prefect_api, "BUSY_PAUSES", (0.01, 0.02, 0.03))
    with BusyServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_busy_server_is_asked_again_until_it_answers(server: BusyServer) -> None:
    server.busy = 3
    sent = {"run_input": {"decision": "approve"}}

    with PrefectServer(server.url) as prefect:
        assert prefect.call("POST", "/flow_runs/some/resume", sent) == sent

    assert (server.asked, server.path) == (4, "/behind/a/proxy/flow_runs/some/resume")


def test_a_server_that_stays_busy_is_said_to_be(server: BusyServer) -> None:
    server.busy = 99

    with PrefectServer(server.url) as prefect, pytest.raises(PlatformError, match=r"answered 503 to POST /deployments/filter.*Unavailable"):
        prefect.call("POST", "/deployments/filter", {})

    assert server.asked == 4


def test_a_server_that_is_not_there_is_said_to_be(dead_url: str) -> None:
    with PrefectServer(dead_url) as prefect, pytest.raises(PlatformError, match=r"does not answer at .*start it with `slipway up`"):
        prefect.all("deployments")


def test_another_program_at_its_port_is_recognised(server: BusyServer) -> None:
    server.page = b"<html>It works!</html>"

    with (
        PrefectServer(server.url) as prefect,
        pytest.raises(PlatformError, match=r"another program than Prefect answers at .*slipway status"),
    ):
        prefect.all("deployments")


def test_what_is_no_address_is_said_to_be_none() -> None:
    with pytest.raises(PlatformError, match=r"cannot be at 'http://\[::bad'"):
        PrefectServer("http://[::bad")
