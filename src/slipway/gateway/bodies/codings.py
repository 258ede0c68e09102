"""Bodies in a content coding (RFC 9110, 8.4): gzip and deflate are decoded, up to the limit of bytes of the settings."""

from __future__ import annotations

import asyncio
import zlib

from slipway.gateway.bodies.sizes import LARGE
from slipway.gateway.replies import BAD_REQUEST, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, RequestError

GZIP, ZLIB, RAW = 31, 15, -15  # the formats, as zlib numbers them
CODINGS = {"gzip": GZIP, "x-gzip": GZIP, "deflate": ZLIB}
MOST_MEMBERS = 1_000  # of a gzip body; what follows a member is copied, and an empty one has 20 bytes
ACCEPTED = (b"accept-encoding", b"gzip, deflate")


def coding_of(field: bytes) -> str | None:
    """Return the coding that a Content-Encoding names, None if the body is as it is.

    Raises:
        RequestError: 415, the coding is another one, or there are several.
    """
    names = [name.strip().lower() for name in field.decode("latin-1").split(",")]
    wanted = [name for name in names if name not in ("", "identity")]
    if not wanted:
        return None
    if len(wanted) == 1 and wanted[0] in CODINGS:
        return wanted[0]
    received = repr(", ".join(wanted)[:60])
    message = f"Content-Encoding: expected gzip or deflate, received {received}; send the body without it."
    raise RequestError(415, UNSUPPORTED_MEDIA_TYPE, message, headers=[ACCEPTED])


async def decoded(body: bytes, coding: str, most: int) -> bytes:
    """Return a decoded body. What becomes large is decoded in a thread, so that other callers do not wait.

    Raises:
        RequestError: 400, the body is not in this coding, or not whole; 413, it is larger than `most` bytes.
    """
    decoder = Decoder(body, coding, most)
    if not decoder.decode(min(LARGE, most)):
        await asyncio.to_thread(decoder.decode, most)
    return decoder.content()


class Decoder:
    """Decodes one body, in steps. gzip may have several members, one after another."""

    def __init__(self, body: bytes, coding: str, most: int) -> None:
        self._coding, self._most = coding, most
        raw = coding == "deflate" and not _is_zlib(body)  # some clients send it without the wrapper of zlib
        self._format = RAW if raw else CODINGS[coding]
        self._stream, self._left = zlib.decompressobj(self._format), body
        self._parts: list[bytes] = []
        self._size = self._members = 0
        self._done = False

    def decode(self, most: int) -> bool:
        """Decode until the content has more than `most` bytes; return whether that was all.

        Raises:
            RequestError: 400 or 413.
        """
        while not self._done:
            if self._size > self._most:
                message = (
                    f"expected a body of at most {self._most:,} bytes when it is decoded, received more; send the rows in several requests."
                )
                raise RequestError(413, TOO_LARGE, message)
            if self._size > most:
                return False
            self._step(most + 1 - self._size)
        return True

    def content(self) -> bytes:
        return b"".join(self._parts)

    def _step(self, room: int) -> None:
        try:
            part = self._stream.decompress(self._left, room)
        except zlib.error as error:
            raise self._wrong(str(error).partition(": ")[2] or "it is damaged") from None
        self._parts.append(part)
        self._size += len(part)
        self._left = self._stream.unconsumed_tail or self._stream.unused_data
        if self._stream.eof:
            if self._left and self._coding == "deflate":
                raise self._wrong("more bytes follow its end")
            self._members += 1
            if self._members == MOST_MEMBERS:
                raise self._wrong(f"it has {MOST_MEMBERS:,} members or more; compress the body as one")
            self._done = not self._left
            self._stream = zlib.decompressobj(self._format)
        elif not self._left and not part:
            raise self._wrong("it ends early")

    def _wrong(self, why: str) -> RequestError:
        return RequestError(400, BAD_REQUEST, f"the body is not {self._coding}, as its Content-Encoding says: {why}.")


def _is_zlib(body: bytes) -> bool:
    return len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
