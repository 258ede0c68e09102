"""How large a request may be. Set once, when a worker starts, as the settings say; read wherever a body is looked at."""

from __future__ import annotations

from dataclasses import dataclass

# Bytes. A larger body is decoded and scored in another thread, so that the requests of other callers do not wait for it.
LARGE = 256 * 1024


@dataclass
class Sizes:
    """`body` is in bytes; `rows` counts those of one request."""

    body: int = 10 * 1024 * 1024
    rows: int = 100_000


ALLOWED = Sizes()
