"""Requests as bytes, and what the gateway does with each by RFC 9110 and 9112. `KEY` stands for a key that may predict.

A case is the bytes, the statuses of all answers in their order, and whether the gateway then closes the connection. `toy` answers 0 for the
row of `BODY`, so a case whose answer is 200 to a POST shows that exactly these bytes were read as its body.
"""

from __future__ import annotations

from typing import NamedTuple

BODY = b'{"inputs":[[30,0.0,"F"]]}'
SIZE = b"Content-Length: %d" % len(BODY)
HOST, CHUNKED, AUTH = b"Host: localhost", b"Transfer-Encoding: chunked", b"Authorization: Bearer KEY"
TYPE = b"Content-Type: application/json"
CHUNK = b"%x\r\n%s\r\n" % (len(BODY), BODY)
LAST = b"0\r\n\r\n"


class Case(NamedTuple):
    """`answers` leaves out a 100; `continues` says that one comes first."""

    sent: bytes
    answers: tuple[int, ...]
    closes: bool
    continues: bool = False


def head(line: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join((line, *fields, b"", b""))


def get(*fields: bytes, line: bytes = b"GET /ping HTTP/1.1", host: bytes = HOST) -> bytes:
    return head(line, host, *fields)


def post(*fields: bytes, body: bytes = BODY, line: bytes = b"POST /models/toy/invocations HTTP/1.1") -> bytes:
    """A request with a key and a type; its framing is in `fields`."""
    return head(line, HOST, AUTH, TYPE, *fields) + body


def chunks(body: bytes, *fields: bytes) -> bytes:
    return post(CHUNKED, *fields, body=body)


def kept(sent: bytes, *answers: int, continues: bool = False) -> Case:
    return Case(sent, answers or (200,), False, continues)


def closed(sent: bytes, *answers: int, continues: bool = False) -> Case:
    return Case(sent, answers or (400,), True, continues)


PING = get()
REQUEST_LINES = {
    "a path": kept(PING),
    "a path with a query": kept(get(line=b"GET /ping?a=b&c HTTP/1.1")),
    "a path with an empty query": kept(get(line=b"GET /ping? HTTP/1.1")),
    "a path with an escape": kept(get(line=b"GET /%70ing HTTP/1.1")),
    "a path with a broken escape": kept(get(line=b"GET /ping%zz HTTP/1.1"), 404),
    "a path with an escaped NUL": kept(get(line=b"GET /ping%00 HTTP/1.1"), 404),
    "a path with an escaped line end": kept(get(line=b"GET /ping%0d%0aX:1 HTTP/1.1"), 404),
    "a path with two slashes": kept(get(line=b"GET //ping HTTP/1.1"), 404),
    "a path with dots": kept(get(line=b"GET /models/../ping HTTP/1.1"), 404),
    "an absolute target": kept(get(line=b"GET http://localhost/ping HTTP/1.1")),
    "an absolute target with a query": kept(get(line=b"GET http://localhost:80/ping?a HTTP/1.1")),
    "an absolute target of https in capitals": kept(get(line=b"GET HTTPS://localhost/ping HTTP/1.1")),
    "an absolute target without a path": kept(get(line=b"GET http://localhost HTTP/1.1"), 404),
    "an absolute target of another host": kept(get(line=b"GET http://example.org/ping HTTP/1.1")),
    "an absolute target with a user": closed(get(line=b"GET http://a@localhost/ping HTTP/1.1")),
    "an absolute target without a host": closed(get(line=b"GET http:///ping HTTP/1.1")),
    "an absolute target of ftp": closed(get(line=b"GET ftp://localhost/ping HTTP/1.1")),
    "an empty line before it": kept(b"\r\n" + PING),
    "three empty lines before it": kept(b"\r\n\r\n\r\n" + PING),
    "an LF before it": closed(b"\n" + PING),
    "a later HTTP/1": kept(get(line=b"GET /ping HTTP/1.2")),
    "an asterisk": kept(get(line=b"OPTIONS * HTTP/1.1"), 404),
    "an asterisk for GET": closed(get(line=b"GET * HTTP/1.1")),
    "HEAD": kept(get(line=b"HEAD /ping HTTP/1.1")),
    "HEAD of nothing": kept(get(line=b"HEAD /nothing HTTP/1.1"), 404),
    "HEAD where only POST is": kept(get(line=b"HEAD /models/toy/invocations HTTP/1.1"), 405),
    "POST where only GET is": kept(get(line=b"POST /ping HTTP/1.1"), 405),
    "PUT": kept(get(line=b"PUT /ping HTTP/1.1"), 405),
    "PATCH": kept(get(line=b"PATCH /ping HTTP/1.1"), 405),
    "DELETE": kept(get(line=b"DELETE /ping HTTP/1.1"), 405),
    "OPTIONS": kept(get(line=b"OPTIONS /ping HTTP/1.1"), 405),
    "TRACE": kept(get(line=b"TRACE /ping HTTP/1.1"), 405),
    "CONNECT": closed(get(line=b"CONNECT localhost:443 HTTP/1.1"), 501),
    "a method in small letters": closed(get(line=b"get /ping HTTP/1.1"), 501),
    "a method of WebDAV": closed(get(line=b"PROPFIND /ping HTTP/1.1"), 501),
    "a method that nobody knows": closed(get(line=b"A!#$%&'*+-.^_`|~9 /ping HTTP/1.1"), 501),
    "a method with a colon": closed(get(line=b"GE:T /ping HTTP/1.1")),
    "HTTP/2 with prior knowledge": closed(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", 505),
    "HTTP/2.0": closed(get(line=b"GET /ping HTTP/2.0"), 505),
    "HTTP/3.0": closed(get(line=b"GET /ping HTTP/3.0"), 505),
    "HTTP/0.9": closed(get(line=b"GET /ping HTTP/0.9"), 505),
    "HTTP/0.9 without its name": closed(b"GET /ping\r\n"),
    "a version of one number": closed(get(line=b"GET /ping HTTP/1")),
    "a version of long numbers": closed(get(line=b"GET /ping HTTP/1.10")),
    "a version in small letters": closed(get(line=b"GET /ping http/1.1")),
    "another protocol": closed(get(line=b"GET /ping ICAP/1.0")),
    "two blanks": closed(get(line=b"GET  /ping HTTP/1.1")),
    "a tab": closed(get(line=b"GET\t/ping HTTP/1.1")),
    "a blank before it": closed(get(line=b" GET /ping HTTP/1.1")),
    "a blank after it": closed(get(line=b"GET /ping HTTP/1.1 ")),
    "no target": closed(get(line=b"GET HTTP/1.1")),
    "an empty target": closed(get(line=b"GET  HTTP/1.1")),
    "a target with a blank": closed(get(line=b"GET /pi ng HTTP/1.1")),
    "a target without a slash": closed(get(line=b"GET ping HTTP/1.1")),
    "a target with a fragment": closed(get(line=b"GET /ping#top HTTP/1.1")),
    "a target with NUL": closed(get(line=b"GET /ping\x00 HTTP/1.1")),
    "a target with DEL": closed(get(line=b"GET /ping\x7f HTTP/1.1")),
    "a target that is not ASCII": closed(get(line="GET /pïng HTTP/1.1".encode())),
    "empty lines without end": closed(b"\r\n" * 20_000, 414),
    "a target that is too long": closed(get(line=b"GET /" + b"a" * 40_000 + b" HTTP/1.1"), 414),
    "no method": closed(get(line=b" /ping HTTP/1.1")),
    "a greeting of TLS": closed(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40),
    "a greeting of SSH": closed(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "an empty line only": closed(b"\n\n"),
    "lines that end with LF": closed(PING.replace(b"\r\n", b"\n")),
    "lines that end with CR": closed(PING.replace(b"\r\n", b"\r")),
    "a first line that ends with LF": closed(PING.replace(b"1.1\r\n", b"1.1\n")),
    "a last line that ends with LF": closed(PING[:-2] + b"\n"),
}
HOSTS = {
    "none": closed(head(b"GET /ping HTTP/1.1")),
    "none, though the target is absolute": closed(head(b"GET http://localhost/ping HTTP/1.1")),
    "none in HTTP/1.0": closed(head(b"GET /ping HTTP/1.0"), 200),
    "two": closed(get(b"Host: example.org")),
    "two of the same": closed(get(HOST)),
    "two, one in capitals": closed(get(b"HOST: localhost")),
    "an empty one": kept(get(host=b"Host:")),
    "one with a port": kept(get(host=b"Host: localhost:8000")),
    "one with an empty port": kept(get(host=b"Host: localhost:")),
    "one in IPv6": kept(get(host=b"Host: [::1]:8000")),
    "one with an underscore": kept(get(host=b"Host: my_gateway")),
    "one with blanks around": kept(get(host=b"Host: \t localhost \t ")),
    "one with a path": closed(get(host=b"Host: localhost/ping")),
    "one with a user": closed(get(host=b"Host: ann@localhost")),
    "one with a blank inside": closed(get(host=b"Host: local host")),
    "a list": closed(get(host=b"Host: localhost, example.org")),
    "one with a port in letters": closed(get(host=b"Host: localhost:http")),
    "one that is not ASCII": closed(get(host="Host: löcalhost".encode())),
    "half an address in IPv6": closed(get(host=b"Host: [::1")),
    "a URL": closed(get(host=b"Host: http://localhost")),
}
FIELDS = {
    "no blank after the colon": kept(get(b"X-A:b")),
    "many blanks around the value": kept(get(b"X-A: \t  b \t ")),
    "an empty value": kept(get(b"X-A:")),
    "a tab in a value": kept(get(b"X-A: b\tc")),
    "a value that is not ASCII": kept(get("X-A: ü".encode())),
    "a name of all letters that are allowed": kept(get(b"A!#$%&'*+-.^_`|~9: b")),
    "a field twice": kept(get(b"X-A: b", b"X-A: c")),
    "a list in several fields": kept(get(b"Accept: a/b", b"Accept: c/d")),
    "two hundred fields": kept(get(*(b"X-%d: a" % number for number in range(200)))),
    "as many fields as there may be": kept(get(*(b"X-%d: a" % number for number in range(255)))),
    "one field more": closed(get(*(b"X-%d: a" % number for number in range(256))), 431),
    "a head as long as it may be": kept(get(b"X-A: " + b"b" * (32 * 1024 - len(get(b"X-A: "))))),
    "a head that is one byte longer": closed(get(b"X-A: " + b"b" * (32 * 1024 - len(get(b"X-A: ")) + 1)), 431),
    "a thousand fields": closed(get(*(b"X-%d: a" % number for number in range(1_000))), 431),
    "a field that is too long": closed(get(b"X-A: " + b"b" * 40_000), 431),
    "fields that are too long": closed(get(*(b"X-%d: " % number + b"b" * 400 for number in range(100))), 431),
    "a blank before the colon": closed(get(b"X-A : b")),
    "a blank before the name": closed(head(b"GET /ping HTTP/1.1", b" X-A: b", HOST)),
    "a folded value": closed(get(b"X-A: b\r\n c")),
    "a folded value after a tab": closed(get(b"X-A: b\r\n\tc")),
    "no colon": closed(get(b"X-A")),
    "no name": closed(get(b": b")),
    "a name with a blank": closed(get(b"X A: b")),
    "a name with parentheses": closed(get(b"X(A): b")),
    "a name that is not ASCII": closed(get("Ä: b".encode())),
    "NUL in a value": closed(get(b"X-A: b\x00c")),
    "a control character in a value": closed(get(b"X-A: b\x01c")),
    "DEL in a value": closed(get(b"X-A: b\x7fc")),
    "CR in a value": closed(get(b"X-A: b\rc")),
    "LF in a value": closed(get(b"X-A: b\nX-B: c")),
    "CR before CR LF": closed(get(b"X-A: b\r")),
    "two credentials": closed(post(AUTH, SIZE)),
    "two different credentials": closed(post(b"Authorization: Bearer other", SIZE)),
    "a second credential in capitals": closed(post(b"AUTHORIZATION: Bearer KEY", SIZE)),
    "two media types": closed(post(TYPE, SIZE)),
    "two versions": closed(post(b"X-Slipway-Version: 1", b"X-Slipway-Version: 2", SIZE)),
    "an Accept that nobody can satisfy": kept(post(b"Accept: image/png", SIZE)),
    "a range": kept(get(b"Range: bytes=0-0")),
    "conditions": kept(get(b'If-None-Match: "a"', b"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT")),
    "a method in a field": kept(get(b"X-HTTP-Method-Override: DELETE")),
}
LENGTHS = {
    "the right one": kept(post(SIZE)),
    "one with zeros before it": kept(post(b"Content-Length: 000%d" % len(BODY))),
    "one with blanks around": kept(post(b"Content-Length: \t%d " % len(BODY))),
    "zero for GET": kept(get(b"Content-Length: 0")),
    "a body of GET": kept(get(b"Content-Length: 5") + b"GET /"),
    "a body of GET, then a request": kept(get(b"Content-Length: 5") + b"GET /" + PING, 200, 200),
    "a body that looks like a request": kept(get(b"Content-Length: %d" % len(PING)) + PING),
    "a body for nothing": kept(post(SIZE, line=b"POST /nothing HTTP/1.1") + PING, 404, 200),
    "a body without a credential": kept(head(b"POST /models/toy/predict HTTP/1.1", HOST, SIZE) + BODY + PING, 401, 200),
    "none": kept(post(body=b""), 400),
    "zero": kept(post(b"Content-Length: 0", body=b""), 400),
    "zero, with a body": closed(post(b"Content-Length: 0"), 400, 400),
    "none, with a body": closed(post(), 400, 400),
    "one that is too short": closed(post(b"Content-Length: 24"), 400, 400),
    "two of the same": closed(post(SIZE, SIZE)),
    "two different ones": closed(post(SIZE, b"Content-Length: 5")),
    "a list of the same": closed(post(b"Content-Length: 25, 25")),
    "a list": closed(post(b"Content-Length: 25, 5")),
    "an empty one": closed(post(b"Content-Length:")),
    "one with plus": closed(post(b"Content-Length: +25")),
    "one with minus": closed(post(b"Content-Length: -25")),
    "a fraction": closed(post(b"Content-Length: 25.0")),
    "an exponent": closed(post(b"Content-Length: 25e0")),
    "a hexadecimal one": closed(post(b"Content-Length: 0x19")),
    "one with a blank inside": closed(post(b"Content-Length: 2 5")),
    "one with an underscore": closed(post(b"Content-Length: 2_5")),
    "one in other digits": closed(post("Content-Length: ٢٥".encode())),
    "a word": closed(post(b"Content-Length: many")),
    "more than the largest body": Case(post(b"Content-Length: 10485761", body=b""), (413,), False),
    "more than any body": closed(post(b"Content-Length: 99999999999999999999"), 413),
    "more than a word of the machine": closed(post(b"Content-Length: 18446744073709551641"), 413),
    "a blank before the colon": closed(post(b"Content-Length : 25")),
}
CODINGS = {
    "chunked": kept(chunks(CHUNK + LAST)),
    "chunked, in capitals": kept(post(b"Transfer-Encoding: CHUNKED", body=CHUNK + LAST)),
    "chunked, then a request": kept(chunks(CHUNK + LAST) + PING, 200, 200),
    "chunked for GET": kept(get(CHUNKED) + b"5\r\nGET /\r\n" + LAST + PING, 200, 200),
    "chunked for nothing": kept(chunks(CHUNK + LAST).replace(b"/models/toy", b"/nothing") + PING, 404, 200),
    "several chunks": kept(chunks(b"9\r\n" + BODY[:9] + b"\r\n10\r\n" + BODY[9:] + b"\r\n" + LAST)),
    "a size in capitals": kept(chunks(b"F\r\n" + BODY[:15] + b"\r\nA\r\n" + BODY[15:] + b"\r\n" + LAST)),
    "a size with zeros": kept(chunks(b"00019\r\n" + BODY + b"\r\n000\r\n\r\n")),
    "an extension": kept(chunks(b"19;a=b\r\n" + BODY + b"\r\n0;c\r\n\r\n")),
    "an extension in quotes": kept(chunks(b'19 ; a="b;c"\r\n' + BODY + b"\r\n" + LAST)),
    "no content": kept(chunks(LAST), 400),
    "trailers": kept(chunks(CHUNK + b"0\r\nX-A: b\r\nX-C: d\r\n\r\n")),
    "a trailer with a length": kept(chunks(CHUNK + b"0\r\nContent-Length: 5\r\n\r\n") + PING, 200, 200),
    "a trailer with a host": kept(chunks(CHUNK + b"0\r\nHost: example.org\r\n\r\n")),
    "a trailer with a credential": kept(
        head(b"POST /models/toy/invocations HTTP/1.1", HOST, TYPE, CHUNKED) + CHUNK + b"0\r\n" + AUTH + b"\r\n\r\n" + PING, 401, 200
    ),
    "a trailer with a media type": kept(
        head(b"POST /models/toy/invocations HTTP/1.1", HOST, AUTH, CHUNKED, b"Trailer: Content-Type")
        + CHUNK
        + b"0\r\n"
        + TYPE
        + b"\r\n\r\n",
        415,
    ),
    "a length as well": closed(chunks(CHUNK + LAST, SIZE)),
    "a length before it": closed(post(SIZE, CHUNKED, body=CHUNK + LAST)),
    "identity": closed(post(b"Transfer-Encoding: identity", SIZE)),
    "identity without a length": closed(post(b"Transfer-Encoding: identity")),
    "gzip": closed(post(b"Transfer-Encoding: gzip")),
    "gzip, then chunked": closed(post(b"Transfer-Encoding: gzip, chunked", body=CHUNK + LAST), 501),
    "gzip and chunked in two fields": closed(post(b"Transfer-Encoding: gzip", CHUNKED, body=CHUNK + LAST), 501),
    "chunked, then gzip": closed(post(b"Transfer-Encoding: chunked, gzip", body=CHUNK + LAST)),
    "chunked twice": closed(post(b"Transfer-Encoding: chunked, chunked", body=CHUNK + LAST)),
    "chunked in two fields": closed(post(CHUNKED, CHUNKED, body=CHUNK + LAST)),
    "chunked and nothing": closed(post(b"Transfer-Encoding: chunked,", body=CHUNK + LAST)),
    "nothing": closed(post(b"Transfer-Encoding:", body=CHUNK + LAST)),
    "xchunked": closed(post(b"Transfer-Encoding: xchunked", body=CHUNK + LAST)),
    "chunked with a parameter": closed(post(b"Transfer-Encoding: chunked;q=1", body=CHUNK + LAST)),
    "chunked in quotes": closed(post(b'Transfer-Encoding: "chunked"', body=CHUNK + LAST)),
    "chunked after a vertical tab": closed(post(b"Transfer-Encoding: \x0bchunked", body=CHUNK + LAST)),
    "a blank before the colon": closed(post(b"Transfer-Encoding : chunked", body=CHUNK + LAST)),
    "a name with an underscore": closed(post(b"Transfer_Encoding: chunked", body=CHUNK + LAST), 400, 400),
    "chunked in HTTP/1.0": closed(post(CHUNKED, body=CHUNK + LAST, line=b"POST /models/toy/invocations HTTP/1.0")),
}
CHUNKS = {
    "no size": closed(chunks(b"\r\n" + BODY + b"\r\n" + LAST)),
    "a size that is no number": closed(chunks(b"xyz\r\n" + BODY + b"\r\n" + LAST)),
    "a size with minus": closed(chunks(b"-19\r\n" + BODY + b"\r\n" + LAST)),
    "a size with plus": closed(chunks(b"+19\r\n" + BODY + b"\r\n" + LAST)),
    "a size with 0x": closed(chunks(b"0x19\r\n" + BODY + b"\r\n" + LAST)),
    "a size with an underscore": closed(chunks(b"1_9\r\n" + BODY + b"\r\n" + LAST)),
    "a blank before the size": closed(chunks(b" 19\r\n" + BODY + b"\r\n" + LAST)),
    "a blank after the size": closed(chunks(b"19 \r\n" + BODY + b"\r\n" + LAST)),
    "a size that ends with LF": closed(chunks(b"19\n" + BODY + b"\r\n" + LAST)),
    "a size that ends with CR": closed(chunks(b"19\r" + BODY + b"\r\n" + LAST)),
    "a size of too many digits": closed(chunks(b"10000000000000019\r\n" + BODY + b"\r\n" + LAST)),
    "a size that is too small": closed(chunks(b"18\r\n" + BODY + b"\r\n" + LAST)),
    "a size that is too large": closed(chunks(b"1a\r\n" + BODY + b"\r\n" + LAST)),
    "no line end after the content": closed(chunks(b"19\r\n" + BODY + LAST)),
    "LF after the content": closed(chunks(b"19\r\n" + BODY + b"\n" + LAST)),
    "a control character in an extension": closed(chunks(b"19;a\x00\r\n" + BODY + b"\r\n" + LAST)),
    "CR in an extension": closed(chunks(b"19;a\rb\r\n" + BODY + b"\r\n" + LAST)),
    "an extension that is too long": closed(chunks(b"19;" + b"a" * 5_000 + b"\r\n" + BODY + b"\r\n" + LAST)),
    "a trailer without a colon": closed(chunks(CHUNK + b"0\r\nX\r\n\r\n")),
    "a folded trailer": closed(chunks(CHUNK + b"0\r\nX: a\r\n b\r\n\r\n")),
    "a trailer that ends with LF": closed(chunks(CHUNK + b"0\r\nX: a\n\r\n")),
    "trailers that are too long": closed(chunks(CHUNK + b"0\r\n" + b"X-A: b\r\n" * 2_000 + b"\r\n")),
    "an end that ends with LF": closed(chunks(CHUNK + b"0\r\n\n")),
}
EXPECTATIONS = {
    "100-continue": kept(post(SIZE, b"Expect: 100-continue"), 200),
    "100-continue, and a body in chunks": kept(chunks(CHUNK + LAST, b"Expect: 100-Continue"), 200),
    "100-continue without a body": kept(get(b"Expect: 100-continue")),
    "100-continue in HTTP/1.0": closed(post(SIZE, b"Expect: 100-continue", line=b"POST /models/toy/invocations HTTP/1.0"), 200),
    "100-continue twice": kept(post(SIZE, b"Expect: 100-continue", b"Expect: 100-continue"), 200),
    "100-continue, and the body later": kept(post(SIZE, b"Expect: 100-continue", body=b""), continues=True),
    "100-continue, which is refused": closed(
        head(b"POST /models/toy/invocations HTTP/1.1", HOST, TYPE, SIZE, b"Expect: 100-continue"), 401
    ),
    "100-continue for too much": closed(post(b"Content-Length: 99999999", b"Expect: 100-continue", body=b""), 413),
    "another": closed(post(SIZE, b"Expect: tea"), 417),
    "100-continue and another": closed(post(SIZE, b"Expect: 100-continue, tea"), 417),
}
OLD = b"GET /ping HTTP/1.0"
CONNECTIONS = {
    "nothing": kept(PING + PING, 200, 200),
    "close": closed(get(b"Connection: close"), 200),
    "close, in capitals": closed(get(b"Connection: CLOSE"), 200),
    "close in a list": closed(get(b"Connection: te, close", b"TE: trailers"), 200),
    "close in the second field": closed(get(b"Connection: keep-alive", b"Connection: close"), 200),
    "close, then a request": closed(get(b"Connection: close") + PING, 200),
    "close after a body": closed(post(SIZE, b"Connection: close"), 200),
    "close after a body that nobody reads": closed(post(SIZE, b"Connection: close", line=b"POST /nothing HTTP/1.1"), 404),
    "keep-alive": kept(get(b"Connection: keep-alive")),
    "a name of another field": kept(get(b"Connection: X-A", b"X-A: b")),
    "the name of the credential": kept(post(SIZE, b"Connection: Authorization")),
    "HTTP/1.0": closed(get(line=OLD), 200),
    "HTTP/1.0 with keep-alive": kept(get(b"Connection: keep-alive", line=OLD)),
    "HTTP/1.0 with Keep-Alive": kept(get(b"Connection: Keep-Alive", b"Keep-Alive: timeout=5", line=OLD) * 2, 200, 200),
    "HTTP/1.0 with both": closed(get(b"Connection: keep-alive, close", line=OLD), 200),
    "HTTP/1.0 with keep-alive and a body": kept(
        post(SIZE, b"Connection: keep-alive", line=b"POST /models/toy/invocations HTTP/1.0") + PING, 200, 200
    ),
    "three requests": kept(PING * 3, 200, 200, 200),
    "rows between two others": kept(PING + post(SIZE) + PING, 200, 200, 200),
    "a refusal between two others": closed(PING + get(HOST) + PING, 200, 400),
    "a lone CR LF between requests": kept(PING + b"\r\n" + PING, 200, 200),
}
H2C = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA")
WEBSOCKET = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
UPGRADES = {
    "h2c": kept(get(*H2C)),
    "h2c with a body": kept(post(*H2C, SIZE)),
    "h2c with a body, the fields after it": kept(post(SIZE, *H2C)),
    "h2c with a body, then a request": kept(post(*H2C, SIZE) + PING, 200, 200),
    "h2c with chunks": kept(chunks(CHUNK + LAST, *H2C) + PING, 200, 200),
    "h2c twice": kept(get(*H2C) * 2, 200, 200),
    "a websocket": kept(get(*WEBSOCKET)),
    "a websocket with a body": kept(post(*WEBSOCKET, SIZE)),
    "a websocket, then frames": closed(get(*WEBSOCKET) + b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 200, 400),
    "TLS": kept(get(b"Connection: Upgrade", b"Upgrade: TLS/1.2")),
    "several": kept(post(b"Connection: upgrade", b"Upgrade: h2c, websocket", b"Upgrade: foo", SIZE)),
    "one that Connection does not name": kept(post(b"Upgrade: h2c", SIZE)),
    "none, though Connection names it": kept(post(b"Connection: Upgrade", SIZE)),
    "one in HTTP/1.0": closed(get(*H2C, line=OLD), 200),
    "one in a body without a length": closed(get(*H2C) + BODY, 200, 400),
}
KINDS = {
    "request line": REQUEST_LINES,
    "host": HOSTS,
    "field": FIELDS,
    "length": LENGTHS,
    "coding": CODINGS,
    "chunk": CHUNKS,
    "expectation": EXPECTATIONS,
    "connection": CONNECTIONS,
    "upgrade": UPGRADES,
}
CORPUS = {f"{kind}: {name}": case for kind, cases in KINDS.items() for name, case in cases.items()}
