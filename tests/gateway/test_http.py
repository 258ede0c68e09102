"""HTTP by the book: each request of the corpus, whole and cut at every byte, to the real gateway over plain HTTP and over TLS."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import ssl
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from slipway import audit
from slipway.gateway.endpoints.routes import ROUTES
from tests.support.http_corpus import BODY, CORPUS, PING, SIZE, Case, get, post

SHORT = 150  # bytes of a request that is cut at every byte
NO_BODY = {name for name in CORPUS if "HEAD" in name}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Caller:
    """One connection, and the answers that come on it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self._buffer = sock, b""

    def send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # the gateway closed before it had everything, which the answers show
            self.sock.sendall(data)

    def answer(self, silent: bool = False) -> Answer:
        """Read the next answer."""
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        size = 0 if silent else int(headers.get("content-length", 0))
        while len(self._buffer) < size:
            self._more()
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return Answer(int(line.split()[1]), headers, body)

    def ended(self) -> bool:
        """Return whether the gateway has closed the connection, with nothing more on it."""
        with contextlib.suppress(ConnectionResetError):
            return not self._buffer and not self.sock.recv(1)
        return True

    def _more(self) -> None:
        part = self.sock.recv(65_536)
        if not part:
            raise EOFError(f"the connection ended after {self._buffer!r}")
        self._buffer += part


@contextlib.contextmanager
def connected(gateway, trust: ssl.SSLContext | None = None) -> Iterator[Caller]:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock = trust.wrap_socket(plain, server_hostname="localhost") if trust else plain
        yield Caller(sock)


def filled(case: Case, gateway) -> Case:
    return case._replace(sent=case.sent.replace(b"Bearer KEY", f"Bearer {gateway.key}".encode()))


def check(name: str, case: Case, caller: Caller) -> None:
    """Read all answers of a case, and see that the connection goes on or ends as it should."""
    if case.continues:
        assert caller.answer().status == 100, name
        caller.send(BODY)
    answers = [caller.answer(silent=name in NO_BODY) for _ in case.answers]
    assert tuple(answer.status for answer in answers) == case.answers, (name, answers)
    for answer in answers:
        assert {"date", "x-request-id", "x-content-type-options", "content-length"} <= answer.headers.keys(), name
        if answer.status >= 400 and name not in NO_BODY:
            assert json.loads(answer.body).keys() >= {"error_code", "message"}, name
        elif b"predictions" in answer.body:
            assert json.loads(answer.body) == {"predictions": [0]}, name
    assert (answers[-1].headers.get("connection") == "close") == case.closes, name
    if case.closes:
        assert caller.ended(), name
    elif 413 not in case.answers:
        caller.send(PING)
        assert caller.answer().status == 200, name


@pytest.mark.parametrize("name", CORPUS)
def test_a_request_is_answered_or_refused_by_the_book(answering, name):
    case = filled(CORPUS[name], answering)
    with connected(answering) as caller:
        caller.send(case.sent)
        check(name, case, caller)


def test_a_short_request_may_be_cut_anywhere(answering):
    """The first parts go out on connections of their own before any second part, so the gateway sees them alone."""
    short = {name: filled(case, answering) for name, case in CORPUS.items() if len(case.sent) <= SHORT}
    assert len(short) > 100
    for name, case in short.items():
        with contextlib.ExitStack() as opened:
            cuts = [(cut, opened.enter_context(connected(answering))) for cut in range(1, len(case.sent))]
            for cut, caller in cuts:
                caller.send(case.sent[:cut])
            for cut, caller in cuts:
                caller.send(case.sent[cut:])
            for cut, caller in cuts:
                check(f"{name}, cut at {cut}" if name not in NO_BODY else name, case, caller)


@pytest.mark.parametrize("name", [name for name in CORPUS if not name.startswith(("request line", "field"))])
def test_it_is_the_same_over_tls(secured_answering, name):
    case = filled(CORPUS[name], secured_answering.gateway)
    with connected(secured_answering.gateway, secured_answering.trust) as caller:
        caller.send(case.sent)
        check(name, case, caller)


def test_a_refusal_of_the_head_is_in_the_log_of_refusals_and_counted(answering, until):
    def counted():
        text = httpx.get(f"{answering.url}/metrics", headers=answering.bearer).text
        return float(re.search(r'slipway_refusals_total\{kind="BAD_REQUEST",worker="0"\} (\S+)', text)[1])

    with connected(answering) as caller:
        caller.send(get(b"Host: example.org"))
        caller.answer()
    before = counted()
    with connected(answering) as caller:
        caller.send(get(b"Host: example.org"))
        answer = caller.answer()
    assert counted() == before + 1

    def logged():
        return [one for one in audit.refusals(answering.home, audit.Wanted()) if one.request_id == answer.headers["x-request-id"]]

    [refusal] = until(logged)
    assert (refusal.status, refusal.code, refusal.method, refusal.path) == (400, "BAD_REQUEST", "GET", "/ping")
    assert json.loads(answer.body)["message"] == "expected one Host, received more than one."
    assert "Invalid HTTP" not in answering.log()
    assert "pip install" not in answering.log()


def test_an_upgrade_is_counted_and_logged_once(answering):
    def counted():
        text = httpx.get(f"{answering.url}/metrics", headers=answering.bearer).text
        [line] = [line for line in text.splitlines() if line.startswith("slipway_upgrades_ignored_total{")]
        return float(line.split()[-1])

    before = counted()
    with connected(answering) as caller:
        for _ in range(20):
            caller.send(get(b"Connection: Upgrade", b"Upgrade: websocket"))
            assert caller.answer().status == 200

    assert counted() == before + 20
    assert answering.log().count("asked for the protocol") == 1


def test_a_thousand_requests_in_one_write_are_answered_in_order(answering):
    asked = [PING, get(line=b"GET /nothing HTTP/1.1"), get(line=b"HEAD /ping HTTP/1.1"), post(SIZE).replace(b"KEY", answering.key.encode())]
    with connected(answering) as caller:
        caller.send(b"".join(asked) * 250)
        answers = [caller.answer(silent=place % 4 == 2) for place in range(1_000)]

        assert [answer.status for answer in answers] == [200, 404, 200, 200] * 250
        assert {answer.body for answer in answers[3::4]} == {b'{"predictions":[0]}'}
        caller.send(PING)
        assert caller.answer().status == 200
    assert "Traceback" not in answering.log()


def test_a_caller_that_sends_no_more_gets_the_answers_to_all_that_it_sent(answering):
    with connected(answering) as caller:
        caller.send(PING + get(line=b"GET /nothing HTTP/1.1") + PING)
        caller.sock.shutdown(socket.SHUT_WR)

        assert [caller.answer().status for _ in range(3)] == [200, 404, 200]
        assert caller.ended()


def test_a_body_that_ends_early_is_answered_by_nothing(answering):
    with connected(answering) as caller:
        caller.send(post(SIZE).replace(b"KEY", answering.key.encode())[:-1])
        caller.sock.shutdown(socket.SHUT_WR)

        assert caller.ended()


def test_head_answers_as_get_without_the_body_on_every_path(answering):
    from slipway.gateway.routing import OF_MODEL

    paths = [route.path.replace(OF_MODEL, "/models/toy") for route in ROUTES if route.method == "GET"]
    assert {"/ping", "/health", "/health/live", "/health/ready", "/metrics"} < set(paths)
    with httpx.Client(base_url=answering.url) as client:
        for path, headers in ((path, headers) for path in paths for headers in ({}, answering.bearer)):
            whole, head = client.get(path, headers=headers), client.head(path, headers=headers)
            changing = {"date", "x-request-id", "ratelimit-remaining", "set-cookie"} | ({"content-length"} if path == "/metrics" else set())
            same = [{name: value for name, value in reply.headers.items() if name not in changing} for reply in (whole, head)]
            assert same[0] == same[1], path
            assert (head.status_code, head.content) == (whole.status_code, b""), path


def test_an_http_1_0_caller_that_keeps_its_connection_reads_that_it_is_kept(answering):
    with connected(answering) as caller:
        caller.send(get(b"Connection: keep-alive", line=b"GET /ping HTTP/1.0"))
        assert caller.answer().headers["connection"] == "keep-alive"


def test_a_large_body_is_read_as_it_comes_and_the_next_request_after_it(answering):
    connection = http.client.HTTPConnection("127.0.0.1", answering.port, timeout=30)
    rows = b'{"inputs":[' + b",".join([b'[30,0.0,"F"]'] * 50_000) + b"]}"
    parts = [rows[begin : begin + 10_007] for begin in range(0, len(rows), 10_007)]
    for body, chunked in ((rows, False), (iter(parts), True)):
        headers = answering.bearer | {"Content-Type": "application/json"}
        connection.request("POST", "/models/toy/invocations", body, headers, encode_chunked=chunked)
        reply = connection.getresponse()
        assert (reply.status, reply.read().count(b"0")) == (200, 50_000)


def test_a_body_of_tiny_chunks_may_be_as_large_in_content_but_not_endless(answering):
    with connected(answering) as caller:
        caller.send(post(b"Transfer-Encoding: chunked", body=b"").replace(b"KEY", answering.key.encode()))
        sent = 0
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(1_000):
                caller.sock.sendall(b"1;" + b"x" * 3_000 + b"\r\n \r\n")
                caller.sock.sendall((b"1;" + b"x" * 3_000 + b"\r\n \r\n") * 30)
                sent += 31 * 3_009
        assert sent < 60_000_000


def test_the_corpus_is_large_enough():
    assert len(CORPUS) > 250  # as docs/protocol.md says
