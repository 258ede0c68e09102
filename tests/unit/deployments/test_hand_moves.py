"""What MLflow says of a registered model, compared with what Slipway wrote there."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from deployments.local.hand_moves import HandMove, HandMoves, moved
from slipway.catalogue import listings
from slipway.settings import Settings
from slipway.tracking.mirrors import NOTE
from slipway.tracking.registry import CHAMPION
from slipway.tracking.unfinished import MODEL_TAG

MODEL = listings()["heart-failure"]


def registered(champion: int | None, note: str | None = '{"champion":2,"previous":1}') -> dict[str, Any]:
    aliases = [] if champion is None else [{"alias": CHAMPION, "version": str(champion)}]
    return {"aliases": aliases, "tags": [] if note is None else [{"key": NOTE, "value": note}]}


def versions(*in_production: int, made_by: str = "heart-failure") -> list[dict[str, Any]]:
    return [
        {
            "version": str(number),
            "current_stage": "Production" if number in in_production else "Archived",
            "tags": [{"key": MODEL_TAG, "value": made_by}] if made_by else [],
        }
        for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("said", "known", "expected"),
    [
        (registered(2), versions(2), None),
        (registered(3), versions(2), HandMove(MODEL, 3, "heart-failure")),
        (registered(2), versions(1), HandMove(MODEL, 1, "heart-failure")),  # MLflow's page archives the version before if asked to
        (registered(2), versions(1, 2), HandMove(MODEL, 1, "heart-failure")),  # and else does not
        (registered(2), versions(3, made_by=""), HandMove(MODEL, 3, "")),
        (registered(None), versions(2), HandMove(MODEL, None, "")),
        (registered(2), versions(), HandMove(MODEL, None, "")),
        (registered(2), [], HandMove(MODEL, None, "")),  # deleted
        (registered(3, note=None), versions(3), None),  # a home of an earlier Slipway: nobody knows who moved it
        (registered(3, note="{"), versions(3), None),
    ],
)
def test_what_differs_from_the_note_was_moved_by_hand(said: dict[str, Any], known: list[dict[str, Any]], expected: HandMove | None) -> None:
    assert moved(MODEL, said, known) == expected


class Servers(ThreadingHTTPServer):
    """MLflow's server, in which version 3 was moved to by hand, and Prefect's, with one run that judges it."""

    state = "RUNNING"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.asked = list[str]()

    def answer(self, path: str) -> dict[str, Any]:
        self.asked.append(path)
        answers = {
            "/registered-models/get": {"registered_model": registered(3)},
            "/model-versions/search": {"model_versions": versions(2, 3) if MODEL.registered_as in path else []},
            "/deployments/name/promote/heart-failure": {"id": "d1"},
            "/deployments/d1/create_flow_run": {"id": "r1", "name": "promote-heart-failure"},
            "/flow_runs/r1": {"state_type": self.state},
        }
        return next((answer for end, answer in answers.items() if urlsplit(path).path.endswith(end)), {})


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        other = "registered-models/get" in self.path and MODEL.registered_as not in self.path
        content = json.dumps(self.server.answer(self.path)).encode()  # type: ignore[attr-defined]
        self.send_response(404 if other else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        """Say nothing: the test says what went wrong."""


@pytest.mark.slow
def test_a_version_whose_run_ended_without_a_decision_is_put_back_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with Servers() as servers, httpx.Client() as http:
        threading.Thread(target=servers.serve_forever, daemon=True).start()
        port = servers.server_port
        for name, value in {"HOME": str(settings.home), "PREFECT_PORT": str(port), "TRACKING_URI": f"http://127.0.0.1:{port}"}.items():
            monkeypatch.setenv(f"SLIPWAY_{name}", value)
        hand_moves = HandMoves(Settings.load())

        def count(end: str) -> int:
            return sum(urlsplit(path).path.endswith(end) for path in servers.asked)

        for _ in range(4):
            hand_moves.look(http)
        assert (count("/create_flow_run"), count("/events")) == (1, 1)

        servers.state = "CRASHED"
        for _ in range(3):
            hand_moves.look(http)
        assert (count("/create_flow_run"), count("/events")) == (1, 2)  # an event for each time that something was done about it
        servers.shutdown()
