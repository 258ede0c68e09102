"""The size limits of a request. A worker sets them once, from the settings, when it starts."""

from __future__ import annotations

from dataclasses import dataclass

# Bytes. A larger body is decoded and scored in another thread, so that the requests of other callers do not wait for it.
LARGE = 256 * 1024


@dataclass
class Sizes:
    """`body` is in bytes; `rows` is the number in one request."""

    body: int = 10 * 1024 * 1024
    rows: int = 100_000


ALLOWED = Sizes()
