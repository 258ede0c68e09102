"""The head of a request by RFC 9110 and 9112: its bytes into a `RequestHead`, or the error that refuses it.

One regular expression accepts a right head. Only a head that it does not accept is read line by line, to say what is wrong. What could be
read in two ways is refused, because a proxy in front may read it in the other way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import unquote

from slipway.gateway.replies import BAD_REQUEST, TOO_LARGE, RequestError

MOST_HEAD = 32 * 1024  # bytes
MOST_FIELDS = 256
MOST_DIGITS = 15  # of Content-Length
NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
VERSION_NOT_SUPPORTED = "HTTP_VERSION_NOT_SUPPORTED"
EXPECTATION_FAILED = "EXPECTATION_FAILED"

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
FIELD = TOKEN + rb":[\t\x20-\x7e\x80-\xff]*+\r\n"
RIGHT = re.compile(rb"(?:\r\n)*+(" + TOKEN + rb") ([!-\"$-~]++) HTTP/1\.([0-9])\r\n((?:" + FIELD + rb")*+)\r\n")
RIGHT_FIELD = re.compile(FIELD)
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([!-\"$-~]++) HTTP/([0-9])\.[0-9]\r")
ABSOLUTE = re.compile(rb"(?i:https?)://([^/?]*)(/[^?]*)?(?:\?(.*))?")
HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~!$&'()*+,;=%-]*)(?::[0-9]*)?")
EMPTY_LINES = re.compile(rb"\A(?:\r\n)++")
END = re.compile(rb"\n\r?\n")
BARE_CR = re.compile(rb"\r(?!\n|$)")
NAME_BEGINS = re.compile(TOKEN[:-2])

METHODS = {b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE"}
# Fields that the gateway reads and that have one value. Two of them: it and a proxy in front might each believe another one.
SINGLE = {b"host": "Host", b"content-length": "Content-Length", b"authorization": "Authorization", b"content-type": "Content-Type"} | {
    b"x-slipway-version": "X-Slipway-Version"
}


@dataclass(slots=True)
class RequestHead:
    """What a head says. `fields` are by lower-case name; a field that is repeated is one list.

    `length` is that of the body, None if it comes in chunks. `expects`: the caller waits for 100 before it sends the body.
    """

    method: str
    path: str
    raw_path: bytes
    query: bytes
    fields: dict[bytes, bytes]
    length: int | None
    keep_alive: bool
    old: bool
    expects: bool
    upgrade: bool


def parse(match: re.Match[bytes]) -> RequestHead:
    """Return what a head that matches `RIGHT` says.

    Raises:
        RequestError: The head breaks a rule of HTTP, or needs what the gateway does not have.
    """
    method, target, minor, lines = match.groups()
    fields, old = _fields(lines), minor == b"0"
    if method not in METHODS:
        raise RequestError(501, NOT_IMPLEMENTED, f"expected one of {_listed(METHODS)}, received the method {shown(method)}.")
    raw_path, query = _target(target, method)
    host = fields.get(b"host")
    if host is None:
        if not old:
            _refuse("expected one Host, as HTTP/1.1 requires, received none.")
    elif not HOST.fullmatch(host):
        _refuse(f"Host: expected a name or an address, perhaps with a port, received {shown(host)}.")
    length = _length(fields, old)
    keep_alive, upgrade = not old, False
    if (connection := fields.get(b"connection")) is not None:
        options = {option.strip() for option in connection.lower().split(b",")}
        keep_alive = b"close" not in options and (not old or b"keep-alive" in options)
        upgrade = b"upgrade" in options and b"upgrade" in fields
    expects = b"expect" in fields and not old and _expects(fields[b"expect"]) and length != 0
    path = raw_path.decode("ascii")
    if "%" in path:
        path = unquote(path)
    return RequestHead(method.decode("ascii"), path, raw_path, query, fields, length, keep_alive, old, expects, upgrade)


def _fields(lines: bytes) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    found = lines.split(b"\r\n")
    found.pop()  # empty: every line has an end
    if len(found) > MOST_FIELDS:
        raise RequestError(431, TOO_LARGE, f"expected at most {MOST_FIELDS} header fields, received more.")
    for line in found:
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        if name not in fields:
            fields[name] = value
        elif name in SINGLE:
            _refuse(f"expected one {SINGLE[name]}, received more than one.")
        else:
            fields[name] += b", " + value
    return fields


def _target(target: bytes, method: bytes) -> tuple[bytes, bytes]:
    """Return the path and the query. The authority of an absolute target has no meaning here: the port chooses what answers."""
    if target.startswith(b"/"):
        path, _, query = target.partition(b"?")
        return path, query
    if target == b"*" and method == b"OPTIONS":
        return target, b""
    if (absolute := ABSOLUTE.fullmatch(target)) and absolute[1] and HOST.fullmatch(absolute[1]):
        return absolute[2] or b"/", absolute[3] or b""
    raise _bad(f"expected a path such as /ping, received {shown(target)}.")


def _length(fields: dict[bytes, bytes], old: bool) -> int | None:
    coding, length = fields.get(b"transfer-encoding"), fields.get(b"content-length")
    if coding is not None:
        if length is not None:
            _refuse("expected Content-Length or Transfer-Encoding, received both.")
        if old:
            _refuse("expected no Transfer-Encoding in HTTP/1.0, received one.")
        _check_coding(coding)
        return None
    if length is None:
        return 0
    if not length.isdigit():
        _refuse(f"Content-Length: expected one number of bytes, received {shown(length)}.")
    if len(length) > MOST_DIGITS:
        raise RequestError(413, TOO_LARGE, f"Content-Length: expected at most {MOST_DIGITS} digits, received {len(length):,}.")
    return int(length)


def _check_coding(coding: bytes) -> None:
    if coding.lower() == b"chunked":
        return
    codings = [one.strip() for one in coding.lower().split(b",")]
    if codings[-1] != b"chunked" or b"chunked" in codings[:-1]:
        _refuse(f"Transfer-Encoding: expected chunked, once and last, received {shown(coding)}.")
    raise RequestError(501, NOT_IMPLEMENTED, f"Transfer-Encoding: expected chunked alone, received {shown(coding)}.")


def _expects(expect: bytes) -> bool:
    if {one.strip() for one in expect.lower().split(b",")} == {b"100-continue"}:
        return True
    raise RequestError(417, EXPECTATION_FAILED, f"Expect: expected 100-continue, received {shown(expect)}.")


def may_become_right(data: bytes) -> None:
    """Look at bytes that `RIGHT` does not match: return if the rest of the head may follow.

    Raises:
        RequestError: 400, 414, 431 or 505: it cannot become a head any more.
    """
    begun = EMPTY_LINES.sub(b"", data)
    line, ended, _ = begun.partition(b"\n")
    if begun in (b"", b"\r"):
        refuse_long(data)  # empty lines without end
        return
    if END.search(begun) or BARE_CR.search(begun) or (ended and not _may_be_first(line)) or not NAME_BEGINS.match(begun):
        raise _explained(begun)
    refuse_long(data)


def refuse_long(head: bytes) -> None:
    """Raise 414 or 431 if a head, or the begin of one, has too many bytes."""
    if len(head) <= MOST_HEAD:
        return
    if b"\n" not in head[:MOST_HEAD].lstrip(b"\r\n"):
        raise RequestError(414, TOO_LARGE, f"expected a request line of at most {MOST_HEAD:,} bytes, received more.")
    raise RequestError(431, TOO_LARGE, f"expected a header of at most {MOST_HEAD:,} bytes, received more.")


def _may_be_first(line: bytes) -> bool:
    found = REQUEST_LINE.fullmatch(line)
    return found is not None and found[3] == b"1"


def _explained(data: bytes) -> RequestError:
    """Return the error about the first thing that is wrong."""
    first, *lines = data.split(b"\n")
    if not first.endswith(b"\r"):
        return _bad(
            "expected lines that end with CR LF, received another end."
            if REQUEST_LINE.fullmatch(first + b"\r") or not first
            else f"expected a request line such as GET /ping HTTP/1.1, received {shown(first)}."
        )
    found = REQUEST_LINE.fullmatch(first)
    if found is None:
        return _bad(f"expected a request line such as GET /ping HTTP/1.1, received {shown(first[:-1])}.")
    if found[3] != b"1":
        return RequestError(505, VERSION_NOT_SUPPORTED, f"expected HTTP/1.1 or HTTP/1.0, received HTTP/{found[3].decode()}.")
    for line in lines:
        if line != b"\r" and not RIGHT_FIELD.fullmatch(line + b"\n"):
            return _bad(_wrong_field(line))
    return _bad("expected a header in the form of HTTP/1.1, received another one.")


def _wrong_field(line: bytes) -> str:
    name, colon, value = line.partition(b":")
    if line.startswith((b" ", b"\t")):
        return "expected each header field on one line, received a line that begins with a blank."
    if not line.endswith(b"\r"):
        return "expected lines that end with CR LF, received another end."
    if not colon:
        return f"expected header fields such as Host: example.org, received {shown(line[:-1])}."
    if not re.fullmatch(TOKEN, name):
        return f"expected the name of a header field, then at once a colon, received {shown(name)}."
    return f"{shown(name)}: expected a value of printable characters, received a control character among its {len(value) - 1} bytes."


def head_of(match: re.Match[bytes] | None) -> tuple[str, str]:
    """Return method and path of a head that is refused, as far as they are known, for the log of refusals."""
    if match is None:
        return "", ""
    return match[1][:20].decode("ascii"), match[2].partition(b"?")[0][:200].decode("ascii")


def shown(value: bytes) -> str:
    return repr(value[:60].decode("latin-1"))


def _listed(methods: set[bytes]) -> str:
    return ", ".join(sorted(method.decode() for method in methods))


def _bad(message: str) -> RequestError:
    return RequestError(400, BAD_REQUEST, message)


def _refuse(message: str) -> NoReturn:
    raise _bad(message)
