"""The limits of one caller: requests, places, connections, time. Slow callers are real sockets, and each waits about a second."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import socket
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import pairwise

import httpx
import psutil
import pytest

from slipway.gateway.limits.limiting import Limits
from slipway.gateway.limits.places import Places
from slipway.gateway.limits.windows import Windows
from slipway.gateway.network.connections import Connections
from slipway.gateway.network.listening import ModelPorts, Transport
from slipway.gateway.replies import RequestError
from slipway.sockets import bind

HEAD = b"POST /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n"
GET = b"GET /x HTTP/1.1\r\nhost: localhost\r\n\r\n"
BIG = 40_000_000  # more than the system's buffers take for a caller who does not read


class Echo:
    """The smallest application: it reads a body and answers with its length, or with a very long answer."""

    def for_model(self, model):
        return self

    async def __call__(self, scope, receive, send):
        length, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            length, more = length + len(message["body"]), message["more_body"]
        body = b"x" * BIG if scope["path"] == "/big" else b"%d" % length
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


@contextlib.contextmanager
def served(connections: Connections) -> Iterator[int]:
    """Answer on a free port of loopback, with an event loop in a thread, as the gateway does."""
    sock, stop = bind("127.0.0.1", 0), threading.Event()

    async def run() -> None:
        ports = ModelPorts(Echo(), "127.0.0.1", Transport(connections))
        ports.listen(sock, "echo", Echo())
        watching = asyncio.create_task(connections.watch())
        while not stop.is_set():
            await asyncio.sleep(0.02)
        watching.cancel()
        await ports.shut()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        yield sock.getsockname()[1]
    finally:
        stop.set()
        thread.join(timeout=10)
        assert not thread.is_alive()


@pytest.fixture
def connections() -> Connections:
    return Connections(most=20, most_per_address=10, header_seconds=0.6, body_seconds=0.6)


@pytest.fixture
def port(connections) -> Iterator[int]:
    with served(connections) as found:
        yield found


@pytest.fixture
def connect(port) -> Iterator[Callable[[], socket.socket]]:
    with contextlib.ExitStack() as opened:
        yield lambda: opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))


def until_closed(sock: socket.socket) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while part := sock.recv(65_536):
            found += part
    return found


def answered(sock: socket.socket) -> bool:
    """Read the whole answer to GET."""
    found = b""
    while not found.endswith(b"\r\n\r\n0"):
        part = sock.recv(65_536)
        if not part:
            return False
        found += part
    return b"200 OK" in found


def drip(sock: socket.socket, content: bytes) -> bytes:
    """Send a byte every 0.1 s until the other side has had enough; return what it said."""
    sock.settimeout(0.1)
    for place in range(len(content)):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            sock.send(content[place : place + 1])
        try:
            return sock.recv(65_536)
        except TimeoutError:
            continue
        except ConnectionResetError:
            return b""
    return pytest.fail("the connection was never closed")


def test_a_header_that_comes_byte_by_byte_is_ended_with_408(connect, connections):
    started = time.monotonic()

    assert drip(connect(), GET).startswith(b"HTTP/1.1 408 Request Timeout")
    assert time.monotonic() - started < 2
    assert connections.timed_out == {"header": 1}


def test_a_connection_that_says_nothing_is_ended(connect):
    assert until_closed(connect()).startswith(b"HTTP/1.1 408")


def test_a_second_header_on_a_kept_connection_may_not_be_slow_either(connect):
    sock = connect()
    sock.sendall(GET)
    assert answered(sock)
    time.sleep(1)  # longer than a header may take: waiting between two requests is no fault
    sock.sendall(GET)
    assert answered(sock)

    assert drip(sock, GET).startswith(b"HTTP/1.1 408")


def test_a_body_that_comes_byte_by_byte_is_ended_with_408(connect, connections):
    sock = connect()
    sock.sendall(HEAD)

    assert drip(sock, b"x" * 100).startswith(b"HTTP/1.1 408")
    assert connections.timed_out == {"body": 1}


def test_a_connection_whose_caller_does_not_read_its_answer_is_closed(connect, connections):
    sock = connect()
    sock.sendall(b"GET /big HTTP/1.1\r\nhost: localhost\r\n\r\n")
    deadline = time.monotonic() + 4
    while not connections.timed_out and time.monotonic() < deadline:
        time.sleep(0.02)

    assert connections.timed_out == {"answer": 1}
    assert len(until_closed(sock)) < BIG


def test_good_callers_are_answered_while_slow_ones_hold_connections(connect, port):
    slow = [connect() for _ in range(8)]
    for sock in slow:
        sock.sendall(HEAD)

    answers = [httpx.post(f"http://127.0.0.1:{port}/x", content=b"abc").text for _ in range(5)]

    assert answers == ["3"] * 5


def test_one_connection_too_many_from_an_address_is_refused_and_closed(connect, connections, until):
    held = [connect() for _ in range(10)]
    for sock in held:
        sock.sendall(GET)
        assert answered(sock)

    refused = until_closed(connect())

    assert refused.startswith(b"HTTP/1.1 503 Service Unavailable")
    assert b"retry-after: 1\r\n" in refused
    assert (connections.refused, len(connections.open)) == (1, 10)
    held[0].close()
    until(lambda: len(connections.open) == 9)
    another = connect()
    another.sendall(GET)
    assert answered(another)


def test_connections_that_are_closed_are_forgotten(port, connections, until):
    for _ in range(30):
        assert httpx.get(f"http://127.0.0.1:{port}/x").text == "0"

    until(lambda: not connections.open)
    assert not connections.per_address


def test_a_refused_caller_that_keeps_its_end_open_holds_no_connection(connect, connections, until):
    sock = connect()
    sock.sendall(b"GET /x HTTP/1.1\r\n\r\nGET /x")

    assert until_closed(sock).startswith(b"HTTP/1.1 400 Bad Request")
    until(lambda: not connections.open, seconds=5)


def test_the_window_in_memory_decides_as_the_library_s_does(monkeypatch):
    """2,000 requests at random moments, against `limits`' own sliding window with the same clock."""
    import limits
    from limits.storage import memory
    from limits.strategies import SlidingWindowCounterRateLimiter

    now, random_ = [1_000_000.0], random.Random(7)
    monkeypatch.setattr(memory.time, "time", lambda: now[0])
    theirs = SlidingWindowCounterRateLimiter(memory.MemoryStorage())
    ours, item = Windows(10, 60, lambda: now[0]), limits.parse("10/minute")
    different = 0
    for _ in range(2_000):
        now[0] += random_.expovariate(1 / 5)
        if random_.random() < 0.01:
            now[0] += 300  # a pause in which whole windows go by
        different += theirs.hit(item, "caller") != (ours.hit("caller")[1] == 0.0)

    assert different == 0


def test_a_caller_that_waits_as_long_as_asked_is_let_in():
    now = [0.0]
    windows = Windows(5, 10, lambda: now[0])
    random_ = random.Random(3)
    for _ in range(500):
        _, wait = windows.hit("caller")
        if wait:
            now[0] += wait * 0.9
            assert windows.hit("caller")[1] > 0  # the wait is no longer than needed
            now[0] += wait * 0.1 + 0.002
            assert windows.hit("caller")[1] == 0.0
        now[0] += random_.random()


def test_a_caller_over_its_rate_gets_the_time_to_wait_and_others_do_not():
    async def ask() -> tuple[list[bytes], RequestError]:
        limits = Limits((3, 3_600), (1_000, 60))
        left = [dict(await limits.caller("ann"))[b"ratelimit-remaining"] for _ in range(3)]
        with pytest.raises(RequestError) as refused:
            await limits.caller("ann")
        await limits.caller("bob")
        return left, refused.value

    left, refused = asyncio.run(ask())

    assert left == [b"2", b"1", b"0"]
    assert (refused.status, refused.code) == (429, "REQUEST_LIMIT_EXCEEDED")
    headers = dict(refused.headers)
    assert 1 <= int(headers[b"retry-after"]) <= 7_200
    assert headers[b"ratelimit-reset"] == headers[b"retry-after"]
    assert "ann" not in str(refused)


def test_an_address_over_its_rate_is_refused():
    async def ask() -> None:
        limits = Limits((1_000, 60), (2, 3_600))
        for _ in range(2):
            await limits.address("192.0.2.7")
        with pytest.raises(RequestError, match="from one address"):
            await limits.address("192.0.2.7")

    asyncio.run(ask())


def test_one_ipv6_subscriber_counts_once_however_many_addresses_it_uses():
    async def ask() -> None:
        limits = Limits((1_000, 60), (2, 3_600))
        for address in ("2001:db8:1:2::1", "2001:db8:1:2:3::4", "2001:db8:1:3::1", "::ffff:192.0.2.1", "::ffff:192.0.2.2", "192.0.2.2"):
            await limits.address(address)
        for address in ("2001:db8:1:2:ffff::", "::ffff:192.0.2.2"):
            with pytest.raises(RequestError):
                await limits.address(address)

    asyncio.run(ask())


def test_very_many_callers_take_a_bounded_memory(monkeypatch):
    monkeypatch.setattr("slipway.gateway.limits.windows.MOST_KEYS", 100)
    windows = Windows(3, 60, lambda: 1.0)
    for number in range(100):
        windows.hit(str(number))

    assert [windows.hit(f"other {number}")[1] == 0 for number in range(5)] == [True, True, True, False, False]
    assert windows.hit("7") == (1, 0.0)  # who was counted before still is
    assert len(windows._now) <= 101


def test_without_redis_each_worker_counts_for_itself_and_says_so(free_port, caplog):
    async def ask() -> tuple[float, str | None]:
        limits = Limits((3, 3_600), (1_000, 60), f"redis://127.0.0.1:{free_port()}/0")
        started = time.perf_counter()
        for _ in range(3):
            await limits.caller("ann")
        with pytest.raises(RequestError, match="at most 3 requests"):
            await limits.caller("ann")
        return time.perf_counter() - started, limits.error

    seconds, error = asyncio.run(ask())

    assert seconds < 1  # it is asked again only after five seconds
    assert error
    assert "each worker counts for itself until it does" in caplog.text


def test_the_rates_cost_microseconds(record_property):
    async def measure() -> float:
        limits = Limits((1_000_000, 60), (1_000_000, 60))
        for place in range(20_000):  # callers from everywhere must not make it slower
            await limits.address(f"2001:db8::{place:x}")
        started = time.process_time()
        for _ in range(20_000):
            await limits.address("192.0.2.7")
            await limits.caller("ann")
        return (time.process_time() - started) / 20_000 * 1e6

    microseconds = min(asyncio.run(measure()) for _ in range(3))

    print(f"both rates of one request: {microseconds:.1f} microseconds")
    assert microseconds < 50


def test_more_requests_than_places_wait_and_more_than_that_are_sent_away():
    async def work() -> tuple[list[str], int]:
        places, order, go = Places(2, 3), [], asyncio.Event()

        async def one(name: str) -> None:
            try:
                async with places:
                    order.append(name)
                    await go.wait()
            except RequestError as error:
                order.append(f"{name}: {error.status}, again in {int(dict(error.headers)[b'retry-after'])} s")

        tasks = [asyncio.create_task(one(str(number))) for number in range(7)]
        await asyncio.sleep(0)
        assert (places.busy, places.waiting) == (2, 3)
        tasks[3].cancel()  # one that waits goes; its place in the queue is free
        go.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        return order, places.busy

    order, busy = asyncio.run(work())

    assert order == ["0", "1", "5: 503, again in 1 s", "6: 503, again in 1 s", "2", "4"]
    assert busy == 0


def test_the_place_of_a_request_that_is_cancelled_at_that_moment_is_passed_on():
    async def work() -> int:
        places = Places(1, 5)
        async with places:
            waiting = [asyncio.create_task(places.__aenter__()) for _ in range(2)]
            await asyncio.sleep(0)
        waiting[0].cancel()  # it has the place, and has not run since
        await asyncio.wait_for(waiting[1], 1)
        await places.__aexit__()
        return places.busy

    assert asyncio.run(work()) == 0


def test_the_most_that_can_come_in_any_window_is_bounded():
    """The formula lets through less than twice the rate in the worst window; evenly spread requests keep to the rate."""
    now = [0.0]
    windows = Windows(100, 60, lambda: now[0])
    let_in = []
    for step in range(60_000):
        now[0] = step * 0.01
        if windows.hit("caller")[1] == 0.0:
            let_in.append(now[0])

    assert all(first <= second for first, second in pairwise(let_in))
    assert max(sum(start <= moment < start + 60 for moment in let_in) for start in range(0, 540, 7)) <= 200
    assert len(let_in) <= 100 * 11


class LittleRedis:
    """Redis' protocol on a port of loopback, and what the two scripts of the sliding window answer within one window."""

    def __init__(self) -> None:
        self.counts: Counter[bytes] = Counter()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            while header := await reader.readline():
                words = []
                for _ in range(int(header[1:])):
                    words.append((await reader.readexactly(int((await reader.readline())[1:]) + 2))[:-2])
                writer.write(self.answer(*words))
        writer.close()

    def answer(self, command: bytes, *words: bytes) -> bytes:
        if command == b"HELLO":
            return b"-ERR unknown command\r\n"
        if command != b"EVALSHA":
            return b"+OK\r\n"
        _, _, _, current, *arguments = words
        if len(arguments) == 1:
            return b"*4\r\n$1\r\n0\r\n:0\r\n$%d\r\n%d\r\n:7200000\r\n" % (len(b"%d" % self.counts[current]), self.counts[current])
        if self.counts[current] >= int(arguments[0]):
            return b"$-1\r\n"
        self.counts[current] += 1
        return b":1\r\n"


@contextlib.asynccontextmanager
async def redis(port: int) -> AsyncIterator[str]:
    """Start a real Redis where there is one, else the little one."""
    url = f"redis://127.0.0.1:{port}/0?protocol=2"
    if not (program := shutil.which("redis-server")):
        async with await asyncio.start_server(LittleRedis(), "127.0.0.1", port):
            yield url
        return
    process = await asyncio.create_subprocess_exec(program, "--port", str(port), "--save", "", "--bind", "127.0.0.1")
    while not await asyncio.to_thread(_answers, port):
        await asyncio.sleep(0.05)
    yield url
    process.kill()
    await process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def test_two_workers_share_a_count_in_redis(free_port):
    async def ask() -> list[bytes]:
        async with redis(free_port()) as url:
            first, second = (Limits((4, 3_600), (1_000, 60), url) for _ in range(2))
            left = [dict(await worker.caller("ann"))[b"ratelimit-remaining"] for worker in (first, second, first, second)]
            for worker in (first, second):
                with pytest.raises(RequestError) as refused:
                    await worker.caller("ann")
                assert 1 <= int(dict(refused.value.headers)[b"retry-after"]) <= 7_200
                assert worker.error is None
        return left

    assert asyncio.run(ask()) == [b"3", b"2", b"1", b"0"]


def test_a_header_without_end_is_refused_and_takes_no_memory(answering):
    before = psutil.Process(answering.process.pid).memory_info().rss
    sent = 0
    with socket.create_connection(("127.0.0.1", answering.port), timeout=10) as sock:
        sock.sendall(b"GET /ping HTTP/1.1\r\nhost: localhost\r\nx-long: ")
        with contextlib.suppress(ConnectionError):
            while sent < 200 * 2**20:
                sent += sock.send(b"a" * 65_536)
        with contextlib.suppress(ConnectionError):  # the answer is lost when more was on its way than was read
            assert sock.recv(100).startswith(b"HTTP/1.1 431")

    assert sent < 50 * 2**20
    assert psutil.Process(answering.process.pid).memory_info().rss - before < 20 * 2**20
    assert httpx.get(f"{answering.url}/ping").status_code == 200


def test_a_header_that_is_a_little_too_long_is_refused_with_the_reason(answering):
    with socket.create_connection(("127.0.0.1", answering.port), timeout=10) as sock:
        sock.sendall(b"GET /ping HTTP/1.1\r\nhost: localhost\r\nx-long: " + b"a" * 40_000)
        assert sock.recv(100).startswith(b"HTTP/1.1 431")
