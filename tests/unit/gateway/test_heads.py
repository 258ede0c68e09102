"""Heads of requests: what h11 and the gateway both accept, both read alike; what is refused is refused with the reason."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.gateway.network import heads
from slipway.gateway.network.framing import Chunks
from slipway.gateway.replies import RequestError

BOUNDED = settings(max_examples=300, derandomize=True, deadline=None)
LINES = st.sampled_from(
    [
        *(b"GET /a HTTP/1.1", b"POST /a?b HTTP/1.1", b"GET /a HTTP/1.0", b"HEAD * HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET  /a HTTP/1.1"),
        *(b"GET http://a/b HTTP/1.1", b"GET /a HTTP/2.0", b"get /a HTTP/1.1", b"GET /a#b HTTP/1.1", b"\r\nGET /a HTTP/1.1", b"GET /a"),
    ]
)
NAMES = st.sampled_from(
    [
        *(b"Host", b"Content-Length", b"Transfer-Encoding", b"Connection", b"Expect", b"Upgrade", b"X-A"),
        *(b"X-A ", b"\tX", b""),
    ]
)
VALUES = st.sampled_from(
    [
        *(b"a", b"0", b"5", b"05", b"+5", b"5, 5", b"chunked", b"Chunked", b"gzip, chunked", b"close", b"keep-alive", b"100-continue"),
        *(b"h2c", b"", b" a ", b"\ta\t", b"a\x00", b"a\rb", b"a\nb", b"\xff"),
    ]
)
FIELDS = st.lists(st.tuples(NAMES, VALUES).map(lambda pair: pair[0] + b":" + pair[1]), max_size=5)
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n"])


def ours(data: bytes) -> heads.RequestHead | None:
    match = heads.RIGHT.match(data)
    try:
        if match is None:
            heads.may_become_right(data)
            return None
        return heads.parse(match)
    except RequestError:
        return None


def theirs(data: bytes) -> tuple[h11.Request, h11.Connection] | None:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError:
        return None
    return (event, connection) if isinstance(event, h11.Request) else None


@BOUNDED
@given(LINES, FIELDS, ENDS)
def test_what_both_accept_both_read_alike(line, fields, end):
    data = end.join((line, *fields, b"", b""))
    mine, other = ours(data), theirs(data)
    if mine is None or other is None:
        return
    request, connection = other
    assert mine.method.encode() == request.method
    assert {name for name, _ in request.headers} == mine.fields.keys()
    assert connection.they_are_waiting_for_100_continue is False or mine.expects
    length = [value for name, value in request.headers if name == b"content-length"]
    chunked = any(name == b"transfer-encoding" for name, _ in request.headers)
    assert mine.length == (None if chunked else int(length[0]) if length else 0)
    connection.receive_data(b"12345")
    kept = connection.their_state is not h11.MUST_CLOSE
    assert kept == mine.keep_alive or request.http_version == b"1.0"


def hopeless(part: bytes) -> int | None:
    """Return the status with which the begin of a head is refused, None if it may still become right."""
    try:
        heads.may_become_right(part)
    except RequestError as error:
        return error.status
    return None


@BOUNDED
@given(LINES, FIELDS, ENDS)
def test_a_head_that_is_refused_before_its_end_could_not_have_become_right(line, fields, end):
    data = end.join((line, *fields, b"", b""))
    early = [status for size in range(1, len(data)) if (status := hopeless(data[:size]))]

    assert set(early) <= {400, 505}
    if heads.RIGHT.match(data):
        assert not early
    else:
        assert hopeless(data)


REFUSALS = [
    (b"GET /a HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "expected one Host, received more than one."),
    (b"GET /a HTTP/1.1\r\n\r\n", 400, "expected one Host, as HTTP/1.1 requires, received none."),
    (b"GET /a HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "Host: expected a name or an address, perhaps with a port, received 'a/b'."),
    (b"GET /a HTTP/1.1\r\nHost : a\r\n\r\n", 400, "expected the name of a header field, then at once a colon, received 'Host '."),
    (b"GET /a HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400, "expected each header field on one line, received a line that begins with a blank."),
    (b"GET /a HTTP/1.1\r\nHost\r\n\r\n", 400, "expected header fields such as Host: example.org, received 'Host'."),
    (b"GET /a HTTP/1.1\nHost: a\n\n", 400, "expected lines that end with CR LF, received another end."),
    (b"GET /a HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400, "expected lines that end with CR LF, received another end."),
    (b"GET /a\r\n", 400, "expected a request line such as GET /ping HTTP/1.1, received 'GET /a'."),
    (b"GET /a HTTP/2.0\r\n\r\n", 505, "expected HTTP/1.1 or HTTP/1.0, received HTTP/2."),
    (b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "expected a path such as /ping, received 'a'."),
    (b"BREW /a HTTP/1.1\r\nHost: a\r\n\r\n", 501, "received the method 'BREW'."),
    (b"GET /a HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417, "Expect: expected 100-continue, received 'tea'."),
    (b"GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400, "Content-Length: expected one number of bytes, received '+1'."),
    (b"GET /a HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400, "'X': expected a value of printable characters, received a control character"),
]


@pytest.mark.parametrize(("data", "status", "message"), REFUSALS)
def test_a_refusal_says_what_is_wrong(data, status, message):
    match = heads.RIGHT.match(data)
    with pytest.raises(RequestError) as refused:
        heads.parse(match) if match else heads.may_become_right(data)

    assert refused.value.status == status
    assert message in str(refused.value)


def test_a_long_head_is_read_in_time_that_grows_with_its_length():
    import time

    def seconds(size: int) -> float:
        data = b"GET /a HTTP/1.1\r\nHost: a\r\nX: " + b"a " * (size // 2) + b"\r\nY"
        started = time.process_time()
        for _ in range(20):
            heads.RIGHT.match(data)
        return time.process_time() - started

    assert seconds(32_000) < 1  # 20 heads of the largest size


@BOUNDED
@given(st.lists(st.binary(min_size=1, max_size=20), max_size=5), st.lists(st.integers(1, 30), max_size=20), st.binary(max_size=5))
def test_chunks_are_decoded_whatever_the_parts_in_which_they_come(parts, cuts, after):
    body = b"".join(b"%x;a=b\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\nX: y\r\n\r\n"
    sent, decoder, content, rest, done = body + after, Chunks(), b"", b"", False
    for size in (*cuts, len(sent)):
        if done:
            break
        piece, sent = sent[:size], sent[size:]
        found, rest, done = decoder.feed(piece)
        content += found

    assert (done, content) == (True, b"".join(parts))
    assert rest + sent == after


@pytest.mark.timeout(60)  # reading them one copy of the rest for each took minutes
def test_the_smallest_chunks_are_read_in_time_that_grows_with_their_number():
    number = 700_000
    content, rest, done = Chunks().feed(b"1\r\nx\r\n" * number + b"0\r\n\r\n" + b"after")

    assert (content, rest, done) == (b"x" * number, b"after", True)
