"""The body of a request: as many bytes as its head says, or chunks (RFC 9112, 6 and 7.1).

Extensions of chunks and trailers are checked and thrown away.
"""

from __future__ import annotations

import re

from slipway.gateway.bodies.sizes import ALLOWED
from slipway.gateway.network.heads import MOST_HEAD, RIGHT_FIELD, shown
from slipway.gateway.replies import BAD_REQUEST, RequestError

LONGEST_LINE = 4 * 1024  # bytes, of a chunk's size and extensions, or of a trailer field
MOST_TRAILER = 8 * 1024
SURPLUS = 4  # times the largest body: a limit for the overhead of chunks, and for a body that is thrown away
SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*+;[\t\x20-\x7e\x80-\xff]*+)?\r\n")
HEXADECIMAL = b"0123456789abcdefABCDEF"
OF_SIZE, OF_CONTENT, OF_END, OF_TRAILER = range(4)


class Allowance:
    """What the body of one request may take: bytes, and its time as a multiple of the usual one."""

    def __init__(self) -> None:
        self.size, self.patience = MOST_HEAD + SURPLUS * ALLOWED.body, 1.0

    def grow(self, most: int) -> None:
        """Allow a larger body, and as much more time as it is larger than others."""
        self.size = max(self.size, MOST_HEAD + most)
        self.patience = max(1.0, most / ALLOWED.body)


class Sized:
    """Reads one body of a known size, in parts of any size."""

    def __init__(self, size: int) -> None:
        self._left = size

    def feed(self, data: bytes) -> tuple[bytes, bytes, bool]:
        """Return the content in `data`, the bytes after the body, and whether the body is complete."""
        content, rest = (data, b"") if len(data) <= self._left else (data[: self._left], data[self._left :])
        self._left -= len(content)
        return content, rest, not self._left


class Chunks:
    """Decodes one body that comes in chunks, in parts of any size."""

    def __init__(self) -> None:
        self._state = OF_SIZE
        self._left = 0  # bytes of the chunk that are still to come
        self._line = b""  # the begin of a line
        self._trailer = 0

    def feed(self, data: bytes) -> tuple[bytes, bytes, bool]:
        """Return the content in `data`, the bytes after the body, and whether the body is complete.

        Raises:
            RequestError: 400, these are not chunks.
        """
        content: list[bytes] = []
        place, end = 0, len(data)  # what was read is not cut off: that would copy the rest for every chunk, however small
        while place < end:
            if self._state == OF_CONTENT:
                part = data[place : place + self._left]
                content.append(part)
                self._left -= len(part)
                place += len(part)
                if not self._left:
                    self._state = OF_END
                continue
            line, place = self._take_line(data, place)
            if line and self._read_line(line):
                return b"".join(content), data[place:], True
        return b"".join(content), b"", False

    def _take_line(self, data: bytes, place: int) -> tuple[bytes, int]:
        """Return a whole line, b"" if its end has not come, and the place after it."""
        after = data.find(b"\n", place) + 1
        line = self._line = self._line + data[place : after or len(data)]
        if len(line) > LONGEST_LINE:
            raise _bad(f"expected lines between chunks of at most {LONGEST_LINE:,} bytes, received a longer one.")
        if not after:
            if (self._state == OF_SIZE and line[0] not in HEXADECIMAL) or (self._state == OF_END and line != b"\r"):
                self._read_line(line)
            return b"", len(data)
        self._line = b""
        return line, after

    def _read_line(self, line: bytes) -> bool:
        """Return whether this line ends the body."""
        if self._state == OF_END:
            if line != b"\r\n":
                raise _bad(f"expected CR LF after the content of a chunk, received {shown(line)}.")
            self._state = OF_SIZE
        elif self._state == OF_SIZE:
            found = SIZE.fullmatch(line)
            if found is None:
                raise _bad(f"expected the size of a chunk as a hexadecimal number and CR LF, received {shown(line)}.")
            self._left = int(found[1], 16)
            self._state = OF_CONTENT if self._left else OF_TRAILER
        elif line == b"\r\n":
            return True
        else:
            self._trailer += len(line)
            if self._trailer > MOST_TRAILER or not RIGHT_FIELD.fullmatch(line):
                raise _bad(f"expected at most {MOST_TRAILER:,} bytes of trailer fields, such as Name: value, received {shown(line)}.")
        return False


def _bad(message: str) -> RequestError:
    return RequestError(400, BAD_REQUEST, message)
