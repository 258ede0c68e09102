"""The body of an HTML form with a file: `multipart/form-data`, read as it comes. Neither body nor file is ever in memory as a whole.

The file must be the last field, so that the form's token is known before any byte of the file is stored.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeAlias

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from slipway.gateway.bodies.forms import SentForm
from slipway.gateway.replies import BAD_REQUEST, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, RequestError

FORM = "multipart/form-data"
MOST_FIELDS = 20
LONGEST_FIELD = 4 * 1024  # bytes
AROUND = 128 * 1024  # bytes of a body beside its file
AT_ONCE = 1 << 20  # bytes that are written at a time

Event: TypeAlias = "MultipartSegment | bytes | bytearray | None"


class SentFile:
    """A file of a form that is still being sent. `name` is what the browser calls it, "" if no file was chosen."""

    def __init__(self, name: str, events: AsyncIterator[Event], most: int) -> None:
        self.name = name
        self._events, self._most = events, most

    async def store(self, path: Path) -> int:
        """Write the content to a new file that only its owner can read, and return its bytes.

        Raises:
            RequestError: 413, it is larger than allowed; 400, the form breaks off.
            CallerGone: The connection was closed before the end.
        """
        size, parts, waiting = 0, list[bytes](), 0
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            async for event in self._events:
                if event is None:
                    break
                if isinstance(event, bytes | bytearray):
                    parts.append(bytes(event))
                    waiting += len(event)
                    size += len(event)
                    if size > self._most:
                        raise too_large_file(self._most)
                if waiting > AT_ONCE:
                    await asyncio.to_thread(file.writelines, parts)
                    parts, waiting = [], 0
            await asyncio.to_thread(file.writelines, parts)
            async for _ in self._events:  # fields after the file count for nothing, but the form must be whole
                pass
        return size


async def begin(content_type: str, body: AsyncIterator[bytes], most: int) -> tuple[SentForm, SentFile]:
    """Read a form up to the content of its file.

    Args:
        body: The parts of the body, as they come.
        most: The bytes that the file may have.
    Raises:
        RequestError: 415, the body is no such form; 413, it is too large; 400, it cannot be read, or has no file.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if kind != FORM or not 0 < len(boundary) <= 200 or not boundary.isascii():
        raise RequestError(415, UNSUPPORTED_MEDIA_TYPE, f"expected Content-Type {FORM}, received {content_type[:100]!r}.")
    return await _fields(_events(body, boundary), most)


async def _fields(events: AsyncIterator[Event], most: int) -> tuple[SentForm, SentFile]:
    fields: dict[str, list[str]] = {}
    name, content = "", bytearray()
    async for event in events:
        if isinstance(event, MultipartSegment):
            if event.filename is not None:
                return SentForm(fields), SentFile(event.filename, events, most)
            name, content = event.name or "", bytearray()
        elif event is None:
            fields.setdefault(name, []).append(content.decode("utf-8", "replace"))
        else:
            content += event
            if len(content) > LONGEST_FIELD:
                raise _unreadable()
    raise RequestError(400, BAD_REQUEST, "expected a form that ends with a file, received none.")


async def _events(body: AsyncIterator[bytes], boundary: str) -> AsyncIterator[Event]:
    try:
        parser = PushMultipartParser(boundary, max_segment_count=MOST_FIELDS)
        async for part in body:
            if part:
                for event in parser.parse(part):
                    yield event
        parser.close()
    except MultipartError:  # its message may quote the body
        raise _unreadable() from None


def _unreadable() -> RequestError:
    return RequestError(400, BAD_REQUEST, f"expected a form of at most {MOST_FIELDS} fields and a file; it cannot be read, or breaks off.")


def too_large_file(most: int) -> RequestError:
    return RequestError(413, TOO_LARGE, f"expected a file of at most {most:,} bytes, received more; send the rows in several files.")
