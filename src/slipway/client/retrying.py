"""When to ask again, and how long to wait before: only for what can heal, longer each time, never all callers at once.

Asking twice is safe: a prediction changes nothing, and the gateway's audit log holds one line for each answer; an outcome that is told
twice is recorded once.
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

# The connection was refused, reset or closed. A time-out while waiting for the answer is not among them: the next one would
# take as long, and a busy gateway would get the same work again.
BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout, httpx.PoolTimeout)


def heals(error: httpx.TransportError) -> bool:
    """Tell whether asking again may help."""
    return isinstance(error, BROKEN) and not _is_distrust(error)


def wait_before(attempt: int, retry_after: float | None) -> float | None:
    """Return the seconds to wait before asking again, None where the gateway asks for longer than 30 s.

    Args:
        attempt: How often it was asked, from 1; each doubles the longest wait, of which a random part is waited.
        retry_after: What the gateway asks for; it is waited in full, and a little more.
    """
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1))
    waited = random.uniform(0, longest)  # noqa: S311  (it spreads callers; nobody gains from guessing it)
    if retry_after is None:
        return waited
    return None if retry_after > LONGEST_WAIT else retry_after + min(waited, 1.0)


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that a reply asks to wait, given as seconds or as a date; None where it tells none that can be read."""
    told = response.headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit():
        return float(told)
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _is_distrust(error: BaseException | None) -> bool:
    """Tell whether the certificate was the reason: it will be the same one next time."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
