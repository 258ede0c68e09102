"""The end of a certificate. Python's `ssl` has no function for a server's own certificate, and `cryptography` takes 9 MB and 0.1 s."""

from __future__ import annotations

import calendar
import time

TIMES = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}  # UTCTime, GeneralizedTime
VERSION = 0xA0


def not_after(certificate: bytes) -> float:
    """Return the end of an X.509 certificate, in seconds since the epoch.

    The order of its fields is fixed (RFC 5280, 4.1): version, serial number, signature, issuer, validity, ...

    Raises:
        ValueError: The bytes are not an X.509 certificate.
    """
    try:
        content = _inside(_inside(certificate))
        if content[0] == VERSION:
            content = _after(content)
        for _ in ("serial number", "signature", "issuer"):
            content = _after(content)
        end = _after(_inside(content))
        return float(calendar.timegm(time.strptime(_inside(end).decode("ascii"), TIMES[end[0]])))
    except (IndexError, KeyError, ValueError):
        raise ValueError("it is not an X.509 certificate") from None


def _inside(element: bytes) -> bytes:
    """Return the content of the first element."""
    begin, end = _bounds(element)
    return element[begin:end]


def _after(element: bytes) -> bytes:
    """Return the bytes after the first element."""
    return element[_bounds(element)[1] :]


def _bounds(element: bytes) -> tuple[int, int]:
    length = element[1]
    if length < 0x80:
        return 2, 2 + length
    begin = 2 + (length & 0x7F)
    return begin, begin + int.from_bytes(element[2:begin], "big")
