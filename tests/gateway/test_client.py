"""`slipway.client` against the real gateway, and against a server that sends the replies of the test."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import numpy as np
import pandas as pd
import pytest

from slipway import audit
from slipway.certificates import trial
from slipway.client import (
    AsyncClient,
    Client,
    Forbidden,
    GatewayFailed,
    NotAnswered,
    RateLimited,
    RecordedOutcomes,
    RefusedOutcomes,
    RefusedRequest,
    RefusedRows,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnknownModel,
    retrying,
)

YOUNG = {"Age": 30, "Oldpeak": 0.0, "Sex": "F"}
OLD = {"Age": 80, "Oldpeak": 2.0, "Sex": "M"}
KEY = "a-key-that-must-not-show"
ANSWER = (
    b'{"model": "toy", "version": 3, "run_id": "r", "sample": false, "positive": 1, "threshold": 0.5, "predictions": '
    b'[{"prediction_id": "x-0", "label": 1, "meaning": "yes", "probabilities": {"0": 0.25, "1": 0.75}}]}'
)


class Waiting:
    """Both clients behind one interface, so that each test covers both."""

    def __init__(self, kind, *arguments, **options):
        self._loop = asyncio.new_event_loop() if kind is AsyncClient else None
        self._client = kind(*arguments, **options)

    def __getattr__(self, name):
        method = getattr(self._client, name)
        return (lambda *args, **more: self._loop.run_until_complete(method(*args, **more))) if self._loop else method


@pytest.fixture(params=[Client, AsyncClient], ids=["sync", "async"])
def connect(request):
    """Make a client of the kind that is tested; it is closed at the end."""
    made = []

    def make(url, key=KEY, **options):
        made.append(Waiting(request.param, url, key=key, **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def gateway(connect, answering):
    """A client of the real gateway."""
    return connect(answering.url, key=answering.key)


class Scripted(ThreadingHTTPServer):
    """A server that sends the replies of a list, one a request, and then the last one again. None closes the connection."""

    def __init__(self, *replies):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies = list(replies)
        self.times: list[float] = []
        self.bodies: list[bytes] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        server = self.server
        server.times.append(time.monotonic())
        server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        reply = server.replies.pop(0) if len(server.replies) > 1 else server.replies[0]
        if reply is None:
            self.close_connection = True
            return
        status, body, headers = reply
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def scripted():
    """Start a server that gives these replies: `scripted((503, b"", {}), ...)`."""
    started = []

    def start(*replies):
        server = Scripted(*replies)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def test_explained_rows_come_back_with_contributions_that_add_up(gateway, answering):
    explained = gateway.explain("toy", [YOUNG, OLD, YOUNG], chunk=2)

    assert [one.prediction.label for one in explained] == [0, 1, 0]
    for one, row in zip(explained, (YOUNG, OLD, YOUNG), strict=True):
        explanation = one.explanation
        assert (explanation.scale, explanation.method, explanation.of_label) == ("probability", "exact", 1)
        assert {each.column: each.value for each in explanation.contributions} == row
        assert explanation.contributions[0].unit == "years"
        assert explanation.margin == pytest.approx(one.prediction.probabilities[1], abs=1e-6)
        added = sum(each.contribution for each in explanation.contributions)
        assert explanation.base + added == pytest.approx(explanation.margin, abs=1e-9)
        assert explanation.background.rows == 20
    assert explained[0].explanation == explained[2].explanation
    with pytest.raises(TooLarge, match="at most 100 rows to explain, received 101"):
        gateway.explain("toy", [OLD] * 101, chunk=101)
    with pytest.raises(RefusedRows) as refused:
        gateway.explain("toy", [OLD, OLD, {**OLD, "Age": 400}], chunk=2)
    assert [violation.row for violation in refused.value.violations] == [2]


def test_rows_come_back_as_typed_predictions_in_order(gateway, answering):
    young, old = gateway.predict("toy", [YOUNG, OLD])

    assert (young.label, old.label, old.meaning, old.threshold) == (0, 1, "1", 0.5)
    assert (old.model, old.version, old.run_id, old.sample) == ("toy", 1, "1" * 32, True)
    assert set(old.probabilities) == {0, 1}
    assert old.probability == old.probabilities[1] >= 0.5
    assert {young.prediction_id, old.prediction_id} <= {line.prediction_id for line in audit.read(answering.home, "toy", 10)}
    with pytest.raises(AttributeError):
        old.label = 0


def test_one_row_with_its_subject(gateway):
    answer = gateway.predict_one("toy", OLD, subject="patient-4711")

    assert (answer.label, answer.subject) == (1, "patient-4711")


def test_outcomes_are_recorded_and_repetitions_counted(gateway, answering):
    predicted = gateway.predict("toy", [YOUNG] * 5)
    observed = datetime(2026, 11, 1, 8, tzinfo=UTC)
    outcomes = [{"prediction_id": one.prediction_id, "subject": None, "outcome": np.int64(1), "observed_at": observed} for one in predicted]

    assert gateway.outcomes("toy", outcomes, chunk=2) == RecordedOutcomes(5, 0, 0)
    assert gateway.outcomes("toy", pd.DataFrame(outcomes[:3]).assign(outcome=[1, 0, 1], observed_at=pd.NaT)) == RecordedOutcomes(0, 1, 2)
    [first, corrected] = audit.history(answering.home, predicted[1].prediction_id)
    assert (first.observed_at, corrected.observed_at) == ("2026-11-01T08:00:00.000+00:00", None)
    assert gateway.outcomes("toy", []) == RecordedOutcomes(0, 0, 0)


def test_refused_outcomes_are_named_as_they_were_handed_over(gateway, answering):
    [right] = gateway.predict("toy", [YOUNG])
    outcomes = [{"prediction_id": right.prediction_id, "outcome": 1}] * 3 + [{"prediction_id": "no-such-0", "outcome": 2}]

    with pytest.raises(RefusedOutcomes) as refused:
        gateway.outcomes("toy", outcomes, chunk=2)

    assert [(one.row, one.column) for one in refused.value.violations] == [(3, "outcome"), (3, "prediction_id")]
    assert "nothing was recorded" in str(refused.value)
    assert isinstance(refused.value, RefusedRows)
    assert [line.label for line in audit.history(answering.home, right.prediction_id)] == [1]


def test_outcomes_are_sent_again_after_a_broken_connection(connect, scripted):
    server = scripted(None, (200, b'{"recorded": 0, "corrected": 0, "repeated": 1}', {}))

    assert connect(server.url).outcomes("toy", [{"prediction_id": "a-0", "outcome": 1}]) == RecordedOutcomes(0, 0, 1)
    assert len(server.bodies) == 2
    assert server.bodies[0] == server.bodies[1]


def test_a_long_list_is_sent_in_several_requests_and_returned_as_one(gateway):
    rows = ({**(OLD if number % 3 else YOUNG), "subject": str(number)} for number in range(250))

    answers = gateway.predict("toy", rows, chunk=100)

    assert [answer.subject for answer in answers] == [str(number) for number in range(250)]
    assert [answer.label for answer in answers] == [int(number % 3 > 0) for number in range(250)]
    assert len({answer.prediction_id.rpartition("-")[0] for answer in answers}) == 3
    assert gateway.predict("toy", []) == []


def test_a_frame_is_taken_with_its_numpy_values(gateway):
    frame = pd.DataFrame([YOUNG, OLD]).astype({"Age": "int32", "Oldpeak": "float32"})

    assert [answer.label for answer in gateway.predict("toy", frame)] == [0, 1]
    assert gateway.predict_one("toy", {"Age": np.int64(80), "Oldpeak": np.float64(2), "Sex": np.str_("M")}).label == 1


def test_missing_values_of_a_frame_are_refused_by_row_and_column(gateway):
    frame = pd.DataFrame([YOUNG, {**OLD, "Oldpeak": float("nan"), "Age": None}]).astype({"Age": "Int64"})

    with pytest.raises(RefusedRows) as refused:
        gateway.predict("toy", frame)

    assert {(violation.row, violation.column) for violation in refused.value.violations} == {(1, "Age"), (1, "Oldpeak")}


def test_mlflows_protocol_gives_labels(gateway):
    assert gateway.invocations("toy", {"inputs": [[30, 0.0, "F"], [80, 2.0, "M"]]}) == [0, 1]


def test_violations_are_counted_as_the_rows_were_handed_over(gateway):
    rows = [YOUNG] * 150 + [{**YOUNG, "Age": 130}]

    with pytest.raises(RefusedRows, match="row 150, column 'Age': expected a whole number from 0 to 120") as refused:
        gateway.predict("toy", rows, chunk=100)

    error = refused.value
    assert (error.status, error.code, error.total, error.violations[0].row) == (400, "BAD_REQUEST", 1, 150)
    assert error.request_id in str(error)
    assert isinstance(error, RefusedRequest)


def test_a_wrong_key_and_an_unknown_model_are_different_errors(connect, answering, gateway):
    with pytest.raises(Unauthorized) as refused:
        connect(answering.url).predict("toy", [YOUNG])
    assert KEY not in f"{refused.value!r}{refused.value}"
    for name in ("nothing", "toy/../toy", "a b"):
        with pytest.raises(UnknownModel):
            gateway.predict(name, [YOUNG])


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, RefusedRequest), (401, Unauthorized), (403, Forbidden), (404, UnknownModel), (413, TooLarge), (415, RefusedRequest),
     (422, RefusedRequest), (500, GatewayFailed), (302, GatewayFailed)],
)  # fmt: skip
def test_an_error_that_cannot_heal_is_not_retried(connect, scripted, status, kind):
    server = scripted((status, b"<html>a proxy's page</html>", {}))

    with pytest.raises(kind) as failed:
        connect(server.url).predict("toy", [YOUNG])

    assert (type(failed.value), failed.value.status, len(server.times)) == (kind, status, 1)


@pytest.mark.parametrize("first", [(429, b"{}", {}), (502, b"", {}), (503, b"{}", {}), None], ids=["429", "502", "503", "broken off"])
def test_an_error_that_can_heal_is_retried(connect, scripted, first):
    server = scripted(first, first, (200, ANSWER, {}))

    assert connect(server.url).predict_one("toy", YOUNG).version == 3
    assert len(server.times) == 3
    assert len(set(server.bodies)) == 1


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimited), (503, Unavailable)])
def test_it_gives_up_after_the_retries_and_says_why(connect, scripted, status, kind):
    server = scripted((status, b'{"error_code": "X", "message": "not now"}', {}))

    with pytest.raises(kind, match="not now") as failed:
        connect(server.url, retries=2).predict("toy", [YOUNG])

    assert (failed.value.code, len(server.times)) == ("X", 3)


def test_retry_after_is_waited_for(connect, scripted):
    server = scripted((429, b"{}", {"Retry-After": "1"}), (200, ANSWER, {}))

    connect(server.url).predict("toy", [YOUNG])

    assert server.times[1] - server.times[0] >= 1


def test_a_retry_after_that_is_too_long_fails_at_once(connect, scripted):
    server = scripted((503, b"{}", {"Retry-After": "3600"}))

    with pytest.raises(Unavailable) as failed:
        connect(server.url).predict("toy", [YOUNG])

    assert (failed.value.retry_after, len(server.times)) == (3600, 1)


def test_a_port_without_a_server_is_unavailable(connect, dead_url):
    with pytest.raises(Unavailable, match="tried 2 times"):
        connect(dead_url, retries=1).predict("toy", [YOUNG])


def test_an_answer_that_does_not_come_is_not_asked_for_again(connect):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(NotAnswered, match="timeout="):
            connect(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.3).predict("toy", [YOUNG])
    assert time.monotonic() - started < 2


def test_a_reply_of_something_else_is_no_answer(connect, scripted):
    for body in (b"<html>", b"{}", b'{"predictions": [1]}', b"\xff"):
        with pytest.raises(GatewayFailed, match="Is the address the gateway's"):
            connect(scripted((200, body, {})).url).predict("toy", [YOUNG])


def test_waits_grow_and_keep_within_their_bounds():
    for attempt, longest in ((1, 0.2), (2, 0.4), (5, 3.2), (20, 30)):
        waits = [retrying.wait_before(attempt, None) for _ in range(200)]
        assert 0 <= min(waits) <= max(waits) <= longest
        assert max(waits) > longest / 2
    assert 3 <= retrying.wait_before(1, 3.0) <= 3.2
    assert retrying.wait_before(1, 31.0) is None


@pytest.mark.parametrize(
    ("header", "seconds"), [("2", 2), ("", None), ("soon", None), ("-1", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("²", None)]
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    response = httpx.Response(503, headers=[(b"retry-after", header.encode())])

    assert retrying.retry_after(response) == seconds


@pytest.mark.parametrize(
    ("url", "key", "words"),
    [("gateway:8000", KEY, "url: expected"), ("ftp://gateway", KEY, "url"), ("http://gateway", "", "key"), ("http://gateway", "a b", "key"),
     ("http://gateway", "a\nb", "key"), ("http://gateway", "ä" * 20, "key")],
)  # fmt: skip
def test_an_address_or_key_that_cannot_be_one_is_refused(url, key, words):
    for kind in (Client, AsyncClient):
        with pytest.raises(ValueError, match=words):
            kind(url, key=key)


def test_rows_that_are_none_are_refused_before_anything_is_sent(connect, dead_url):
    client = connect(dead_url)
    with pytest.raises(TypeError, match=r"write \[row\]"):
        client.predict("toy", YOUNG)
    with pytest.raises(ValueError, match="a value of type object"):
        client.predict("toy", [{"Age": object()}])
    with pytest.raises(ValueError, match="chunk"):
        client.predict("toy", [YOUNG], chunk=0)


@pytest.fixture
def secured(scripted, tmp_path):
    """An HTTPS server with a certificate of an authority of its own; gives server and authority."""
    pair = trial.server(tmp_path / "certificates")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    server = Scripted((200, ANSWER, {}))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.url = f"https://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server, pair.certificate.with_name("authority.pem")
    server.shutdown()
    server.server_close()


def test_an_authority_of_ones_own_is_trusted_when_it_is_named(connect, secured):
    server, authority = secured

    assert connect(server.url, ca=authority).predict_one("toy", YOUNG).label == 1


def test_an_unknown_certificate_is_refused_at_once(connect, secured):
    started = time.monotonic()
    with pytest.raises(Unavailable, match="tried 1 times"):
        connect(secured[0].url).predict("toy", [YOUNG])
    assert secured[0].bodies == []
    assert time.monotonic() - started < 5


def test_importing_it_loads_no_heavy_library():
    code = "import sys, slipway.client; print(*{name.partition('.')[0] for name in sys.modules})"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"mlflow", "sklearn", "pandas", "numpy", "pydantic", "prefect", "uvicorn"} & set(loaded)
