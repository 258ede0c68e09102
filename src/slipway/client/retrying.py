"""When to send a request again, and how long to wait before: only after failures that can heal, longer each time, and not all at once.

Sending twice is safe: a prediction changes nothing, and the gateway's audit log has one line for each answer; an outcome that is sent
twice is recorded once.

This is not `slipway.retries`, because the client stands alone, and the gateway names the wait in `Retry-After`.
"""

from __future__ import annotations

import random
import ssl
import time
from email.utils import parsedate_to_datetime

import httpx

FIRST_WAIT = 0.2
LONGEST_WAIT = 30.0
HEALING = {429, 502, 503}

# The connection was refused, reset or closed. A time-out of the answer is not among them: the next answer would take as long,
# and a busy gateway would get the same work again.
BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout, httpx.PoolTimeout)


def heals(error: httpx.TransportError) -> bool:
    """Return whether sending the request again may help."""
    return isinstance(error, BROKEN) and not _is_distrust(error)


def wait_before(attempt: int, retry_after: float | None) -> float | None:
    """Return the seconds to wait before the next attempt, None if the gateway asks for more than 30 s.

    Args:
        attempt: How many attempts were made, from 1; each doubles the longest wait. The wait is a random part of it.
        retry_after: The seconds that the gateway asks for; the wait is a little longer.
    """
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1))
    waited = random.uniform(0, longest)  # noqa: S311  (it spreads callers; nobody gains from guessing it)
    if retry_after is None:
        return waited
    return None if retry_after > LONGEST_WAIT else retry_after + min(waited, 1.0)


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that a reply asks to wait, given as seconds or as a date; None if it gives neither."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _is_distrust(error: BaseException | None) -> bool:
    """Return whether the certificate was refused: it will be the same one next time."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
