"""What MLflow's server says of the version in service, from a server that has it, has lost its run, or says nothing of use."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from deployments.operations.registry import registered
from slipway.lifecycle import record
from slipway.lifecycle.ledger import Ledger, LedgerEntry
from slipway.settings import Settings

MODEL, NAME, RUN = "heart-failure", "heart_failure_logistic", "2" * 32
VERSION = {"version": "2", "run_id": RUN, "current_stage": "Production"}
ANSWERS: dict[str, Any] = {
    "/api/2.0/mlflow/registered-models/get": {"registered_model": {"aliases": [{"alias": "champion", "version": "2"}]}},
    "/api/2.0/mlflow/model-versions/search": {"model_versions": [VERSION]},
    "/api/2.0/mlflow/runs/get": {"run": {"info": {"experiment_id": "7"}}},
    "/get-artifact": {"rows": 184, "intervals": {"accuracy": [0.85, 0.93]}},
}


class MlflowServer(ThreadingHTTPServer):
    """MLflow's server as far as it is asked; `asked` are the paths of the requests. What it does not have is not found."""

    answers: dict[str, Any]
    asked: list[str]


class Handler(BaseHTTPRequestHandler):
    server: MlflowServer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.server.asked.append(path)
        found = self.server.answers.get(path)
        content = found if isinstance(found, bytes) else json.dumps(found or {}).encode()
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def mlflow() -> Iterator[MlflowServer]:
    server = MlflowServer(("127.0.0.1", 0), Handler)
    server.answers, server.asked = dict(ANSWERS), []
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def ask(mlflow: MlflowServer, tmp_path: Path) -> Any:
    settings = Settings(home=tmp_path, tracking_uri=f"http://anna:correct-horse-battery-staple@127.0.0.1:{mlflow.server_port}")
    line = LedgerEntry(
        event="promoted", model=MODEL, version=2, previous=None, aliases=[], stage="", metrics={}, confusion_matrix=[],
        data_sha256="ab" * 32, sample=False, run_id=RUN, why="passed the gate",
    )  # fmt: skip
    Ledger(settings.ledger).append(line)
    now = record.of_entries(MODEL, [line], settings)
    return lambda: registered(MODEL, NAME, now, settings)


def test_pages_are_shown_without_the_password_and_a_run_is_asked_for_once(mlflow, ask):
    first, second = ask(), ask()

    page = f"http://127.0.0.1:{mlflow.server_port}/#"
    assert (first.state, first.disagreements, first.evidence) == ("agrees", [], ANSWERS["/get-artifact"])
    assert (first.run_page, first.version_page) == (f"{page}/experiments/7/runs/{RUN}", f"{page}/models/{NAME}/versions/2")
    assert first.card_page == f"{page}/experiments/7/runs/{RUN}/artifacts/card.md"
    assert second == first
    assert mlflow.asked.count("/get-artifact") == 1
    assert mlflow.asked.count("/api/2.0/mlflow/registered-models/get") == 2  # alias and stage may be moved at any time


def test_what_mlflow_has_lost_is_a_disagreement_and_no_link(mlflow, ask):
    mlflow.answers = {}

    found = ask()

    assert found.state == "disagrees"
    assert found.disagreements[0] == f"version 2 answers, and {NAME} has no such version in MLflow any more"
    assert (found.run_page, found.version_page, found.card_page, found.evidence) == ("", "", "", {})


def test_another_program_in_its_place_counts_as_silent(mlflow, ask):
    mlflow.answers = dict.fromkeys(ANSWERS, b"<html>another program</html>")

    assert ask().state == "silent"
