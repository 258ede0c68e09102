"""A connection reads the same from the same bytes, however the network cuts them."""

from __future__ import annotations

import asyncio
import json

import pytest
from uvicorn.server import ServerState

from slipway.gateway.network.connections import Connections
from slipway.gateway.network.http_protocol import HttpProtocol
from slipway.gateway.replies import RequestError
from slipway.gateway.request import ALLOW
from tests.support.http_corpus import BODY, CORPUS, PING, SIZE, get, post

LONGEST = 1_000  # bytes of a request that is cut at every byte
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PART = b" " * 2**16
LARGE = 12 * 2**20  # bytes


class Recorded(asyncio.Transport):
    """The caller's end of a connection: what was written, and whether that was all."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.closed, self.paused = b"", False, False

    def get_extra_info(self, name, default=None):
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default

    def write(self, data):
        self.written += data

    def is_closing(self):
        return self.closed

    def close(self):
        self.closed = True

    abort = write_eof = close

    def can_write_eof(self):
        return True

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False


async def echo(scope, receive, send):
    """Answer with what was read."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    fields = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    answer = json.dumps([scope["method"], scope["path"], scope["query_string"].decode(), fields, body.decode("latin-1")]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]})
    await send({"type": "http.response.body", "body": answer})


async def connection(parts, app=echo):
    """Feed the parts to a new connection; return what it wrote and whether it closed."""
    transport = Recorded()
    protocol = HttpProtocol(app, ServerState(), Connections(), asyncio.get_running_loop())
    protocol.connection_made(transport)
    for part in parts:
        if transport.closed:
            break
        protocol.data_received(part)
        while asyncio.all_tasks() - {asyncio.current_task()} and not transport.closed:
            before = transport.written
            for _ in range(3):
                await asyncio.sleep(0)
            if transport.written == before:
                break  # the application waits for the rest of the body
    for _ in range(3):
        await asyncio.sleep(0)
    if not transport.closed:
        protocol.connection_lost(None)
    await asyncio.sleep(0)
    return transport.written.replace(CONTINUE, b""), transport.closed


def read(written):
    """Return the answers: a status, and what was read if it is 200."""
    found = []
    while written:
        head, _, written = written.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0])
        if status == 200 and not written.startswith(b'["'):
            size = 0  # the answer to HEAD
        found.append((status, json.loads(written[:size]) if status == 200 and size else None))
        written = written[size:]
    return found


@pytest.mark.parametrize("name", [name for name, case in CORPUS.items() if len(case.sent) <= LONGEST])
def test_every_cut_is_read_as_the_whole(name):
    sent = CORPUS[name].sent

    async def compare():
        written, closed = await connection([sent])
        whole = read(written), closed
        for cut in range(1, len(sent)):
            written, closed = await connection([sent[:cut], sent[cut:]])
            assert (read(written), closed) == whole, cut
        written, closed = await connection([sent[place : place + 1] for place in range(len(sent))])
        assert (read(written), closed) == whole

    asyncio.run(compare())


def test_an_answer_is_one_write():
    class Counting(Recorded):
        writes = 0

        def write(self, data):
            self.writes += 1

    async def count():
        transport = Counting()
        protocol = HttpProtocol(echo, ServerState(), Connections(), asyncio.get_running_loop())
        protocol.connection_made(transport)
        protocol.data_received(PING)
        for _ in range(3):
            await asyncio.sleep(0)
        return transport.writes

    assert asyncio.run(count()) == 1


def in_parts(*parts, error=None):
    """Make an application that answers in parts, and then perhaps fails."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/csv")]})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        if error:
            raise error
        await send({"type": "http.response.body", "body": b""})

    return app


def test_an_answer_in_parts_is_sent_in_chunks_and_the_connection_goes_on():
    written, closed = asyncio.run(connection([PING], in_parts(b"a,b\r\n", b"", b"1,2\r\n" * 5)))

    head, _, body = written.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    assert b"content-length" not in head
    assert body == b"5\r\na,b\r\n\r\n19\r\n" + b"1,2\r\n" * 5 + b"\r\n0\r\n\r\n"
    assert not closed


def test_a_caller_of_http_1_0_gets_the_parts_up_to_the_end_of_the_connection():
    sent = b"GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"

    written, closed = asyncio.run(connection([sent], in_parts(b"one", b"two")))

    head, _, body = written.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert b"connection: close" in head
    assert (body, closed) == (b"onetwo", True)


def test_the_answer_to_head_has_no_parts():
    written, closed = asyncio.run(connection([b"HEAD /ping HTTP/1.1\r\nHost: a\r\n\r\n"], in_parts(b"one", b"two")))

    assert written.endswith(b"\r\n\r\n")
    assert (written.count(b"\r\n\r\n"), closed) == (1, False)


@pytest.mark.parametrize("error", [ValueError("broken"), RequestError(503, "TEMPORARILY_UNAVAILABLE", "the log cannot be read")])
def test_an_answer_in_parts_that_fails_has_no_end_and_no_second_head(error, caplog):
    written, closed = asyncio.run(connection([PING], in_parts(b"one", error=error)))

    assert written.endswith(b"\r\n\r\n3\r\none\r\n")
    assert (written.count(b"HTTP/1.1"), closed) == (1, True)
    assert "an answer ended" in caplog.text or "a request failed" in caplog.text


def test_an_answer_in_parts_stops_when_its_caller_is_gone():
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x", "more_body": True})
                sent.append(1)
                await asyncio.sleep(0)
        except ConnectionResetError:
            sent.append("stopped")

    async def leave():
        transport = Recorded()
        protocol = HttpProtocol(app, ServerState(), Connections(), asyncio.get_running_loop())
        protocol.connection_made(transport)
        protocol.data_received(PING)
        while not sent:
            await asyncio.sleep(0)
        protocol.connection_lost(None)
        while sent[-1] != "stopped":
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(leave(), 5))


def test_a_part_of_an_answer_waits_until_the_caller_has_taken_those_before():
    async def parts(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})
        await send({"type": "http.response.body", "body": b"cd", "more_body": False})

    async def ask():
        transport = Recorded()
        protocol = HttpProtocol(parts, ServerState(), Connections(), asyncio.get_running_loop())
        protocol.connection_made(transport)
        protocol.data_received(PING)
        transport.write = lambda data: (Recorded.write(transport, data), protocol.pause_writing())
        for _ in range(3):
            await asyncio.sleep(0)
        before = transport.written[-2:]
        protocol.resume_writing()
        for _ in range(3):
            await asyncio.sleep(0)
        return before, transport.written[-2:]

    assert asyncio.run(ask()) == (b"ab", b"cd")


@pytest.mark.parametrize(("allowed", "statuses"), [(0, [413]), (100 * 2**20, [200])])
def test_a_body_may_be_larger_if_the_application_allows_it(allowed, statuses):
    async def app(scope, receive, send):
        scope[ALLOW](allowed)
        try:
            while (await receive()).get("more_body"):
                pass
            status = 200
        except RequestError as error:
            status = error.status
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (800 * len(PART))
    written, _ = asyncio.run(connection([head, *[PART] * 800], app))

    assert [status for status, _ in read(written)] == statuses


def test_a_failure_of_the_application_ends_the_connection(caplog):
    async def broken(scope, receive, send):
        raise ValueError("broken")

    assert asyncio.run(connection([PING], broken)) == (b"", True)
    assert "a request failed" in caplog.text


def test_what_is_sent_ahead_is_not_read_without_end():
    async def never(scope, receive, send):
        await asyncio.Event().wait()

    async def send():
        transport = Recorded()
        protocol = HttpProtocol(never, ServerState(), Connections(), asyncio.get_running_loop())
        protocol.connection_made(transport)
        for _ in range(100):
            protocol.data_received(PING * 100)
            if transport.paused:
                break
        return transport.paused, len(protocol._waiting)

    paused, waiting = asyncio.run(send())
    assert paused
    assert waiting < 200_000


def test_a_second_request_is_read_only_by_its_own_bytes():
    sent = post(SIZE) + get(b"Content-Length: 3") + b"abc" + PING

    written, closed = asyncio.run(connection([sent]))

    assert not closed
    assert [(answer[0], answer[4]) for _, answer in read(written)] == [("POST", BODY.decode()), ("GET", "abc"), ("GET", "")]


def test_a_caller_who_sends_much_more_than_is_read_gets_the_answer_that_comes_late():
    """An early answer is on its way when the connection closes, however much the caller sends before and after it."""
    ready = asyncio.Event()

    async def refusing(scope, receive, send):
        await ready.wait()
        await send({"type": "http.response.start", "status": 400, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def ask():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: HttpProtocol(refusing, ServerState(), Connections(), loop), "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: %d\r\n\r\n" % LARGE)
            sending = asyncio.create_task(send_all(writer))
            await asyncio.sleep(0.2)  # by then the server has read what it will read before its answer; nothing shows it
            ready.set()
            status = await reader.readline()
            await sending
            writer.close()
            return status

    async def send_all(writer):
        for _ in range(LARGE // len(PART)):
            writer.write(PART)
            await writer.drain()

    assert asyncio.run(asyncio.wait_for(ask(), 20)).split()[1] == b"400"
