"""How a client connects: the gateway's address, the key, the time-out and the trusted authority."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import httpx

TIMEOUT = 30.0
RETRIES = 4
CHUNK = 1_000
CHUNK_TO_EXPLAIN = 20  # a row may take half a second


def options(url: str, key: str, timeout: float, ca: str | Path | None) -> dict[str, Any]:
    """Return the arguments of an httpx client.

    Args:
        url: The gateway's address, such as https://gateway.example.org:8000.
        key: The API key.
        timeout: Seconds to wait for a connection, and for each part of an answer.
        ca: A PEM file with the authority that signed the gateway's certificate; None for the public authorities.
    Raises:
        ValueError: The address is not valid, or the key is empty or has characters that a header cannot carry.
    """
    address = httpx.URL(url)
    if address.scheme not in ("http", "https") or not address.host:
        raise ValueError(f"url: expected an address such as https://gateway.example.org:8000, received {url!r}.")
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("key: expected an API key (slw_...), received nothing, or a text with spaces or other characters.")
    # without TLS there is nothing to verify, and reading the public authorities takes longer than an answer
    verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=ca) if ca else address.scheme == "https"
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "User-Agent": "slipway-client"}
    return {"base_url": address, "headers": headers, "timeout": timeout, "verify": verify}
