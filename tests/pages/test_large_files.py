"""A file that is too large to be answered at once: how far its run is, and what the page says if it fails.

The run itself is one of a whole platform, in tests/platform/test_release_on_platform.py. Here, a server gives Prefect's answers about it.
"""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest

from slipway.access import keys, users
from slipway.access.callers import Grant
from slipway.access.records import read
from tests.gateway.conftest import Gateway, _build
from tests.pages.conftest import PASSWORD, Person, Visitor
from tests.pages.test_files import FORM, send, stored, text_of

LARGE = "Age,Oldpeak,Sex\n" + "80,2.5,M\n" * 20  # for a gateway that answers at most 10 rows at once


@dataclass
class Prefect:
    """Prefect's answers about all runs: their state, and the per cent of their work; `started` is what was asked for."""

    port: int = 0
    state: str = "SCHEDULED"
    share: float | None = None
    started: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, path: str, body: Any) -> Any:
        if path.endswith("/create_flow_run"):
            self.started.append(body)
        if path.startswith("/api/deployments/name/"):
            return {"id": str(uuid4()), "name": path, "parameters": {"name": "toy"}}
        if path.startswith("/api/artifacts"):
            return [] if self.share is None else [{"data": self.share}]
        state = {"message": "<b>no space left</b>", "type": self.state, "name": self.state.title()}
        return {"id": str(uuid4()), "name": "score-toy", "state": state, "state_type": self.state, "state_name": self.state.title()}


@pytest.fixture
def prefect() -> Iterator[Prefect]:
    found = Prefect()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            content = json.dumps(found.answer(self.path, json.loads(self.rfile.read(size) or "null"))).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


@pytest.fixture
def small(prefect: Prefect, tmp_path) -> Iterator[Gateway]:
    """A gateway that answers at most 10 rows at once."""
    _build(tmp_path / "toy-1", "toy", 1, (0, 1), lambda age: int(age > 55))
    gateway = Gateway(tmp_path)
    keys.add(tmp_path, "tester", gateway.key)
    (tmp_path / ".env").write_text(f"SLIPWAY_PREFECT_PORT={prefect.port}\nSLIPWAY_MAX_ROWS=10\n")
    gateway.start().serve(tmp_path / "toy-1")
    yield gateway
    gateway.stop()


@pytest.fixture
def doctor(small: Gateway) -> Iterator[Visitor]:
    users.add(small.home, "anna", PASSWORD, [Grant("predict")], with_second_factor=True)
    with Visitor(small.url) as visitor:
        visitor.sign_in(Person(small.home, "anna", read(small.home).users["anna"].second_factor or ""))
        yield visitor


def result(visitor: Visitor) -> str:
    sent = send(visitor, LARGE)
    assert sent.status_code == 303, text_of(sent)
    return sent.headers["location"]


def test_the_page_of_a_large_file_says_how_far_it_is_and_loads_itself_again(small, doctor, prefect):
    address = result(doctor)

    waiting = doctor.get(address)
    assert "The file is waiting for its turn." in text_of(waiting)
    prefect.state, prefect.share = "RUNNING", 40.0
    working = doctor.get(address)
    assert "About 8 of 20 rows are done." in text_of(working)
    assert 'class="share" width="40.0%"' in working.text
    assert [page.headers.get("refresh") for page in (waiting, working)] == ["5", "5"]
    (asked,) = prefect.started
    assert asked["labels"]["slipway.who"] == "user:anna"
    assert re.fullmatch("[0-9a-f]{64}", asked["idempotency_key"])  # so that a form which is sent twice starts one run
    rows, predictions = asked["parameters"]["source"], asked["parameters"]["destination"]
    assert (rows.endswith("rows.csv"), predictions.endswith("predictions.csv")) == (True, True)
    assert {path.name for path in stored(small)} == {"rows.csv", "upload.json"}


@pytest.mark.parametrize("state", ["FAILED", "CRASHED", "CANCELLED", "COMPLETED"])
def test_a_run_that_ends_without_predictions_is_shown_as_failed(small, doctor, prefect, state):
    address = result(doctor)
    prefect.state = state

    page: httpx.Response = doctor.get(address)

    assert "The file could not be predicted." in text_of(page)
    assert f"{state.title()}: &lt;b&gt;no space left&lt;/b&gt;" in page.text
    assert "refresh" not in page.headers
    assert {path.name for path in stored(small)} == {"upload.json"}
    prefect.state = "RUNNING"
    assert "The file could not be predicted." in text_of(doctor.get(address))  # a run that has ended is not asked about again


def test_a_person_has_two_large_files_in_work_at_most(doctor, prefect):
    first = result(doctor)
    result(doctor)

    assert "2 of your large files are in work." in text_of(send(doctor, LARGE))
    prefect.state = "FAILED"
    doctor.get(first)
    assert send(doctor, LARGE).status_code == 303
    assert len(prefect.started) == 3
    assert doctor.get(FORM).text.count('name="id"') == 3
