"""The attempts at one request: after each that failed, how long to wait, or the error that ends them."""

from __future__ import annotations

import httpx

from slipway.client import errors, messages, retrying


class Attempts:
    """Counts the attempts at one message; it is asked again at most `retries` times."""

    def __init__(self, message: messages.Message, retries: int) -> None:
        self._message = message
        self._retries = retries
        self._made = 0

    def after_error(self, error: httpx.TransportError) -> float:
        """Return the seconds to wait after an attempt without a reply.

        Raises:
            NotAnswered: No answer came in time.
            Unavailable: The connection cannot be made, or broke as often as it was tried.
        """
        self._made += 1
        address = error.request.url
        what = str(error) or type(error).__name__
        if isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout):
            raise errors.NotAnswered(f"{address}: no answer in time ({what}); allow more with timeout=, or send fewer rows.") from error
        if not retrying.heals(error) or self._made > self._retries:
            raise errors.Unavailable(f"{address}: no connection ({what}), tried {self._made} times.") from error
        return retrying.wait_before(self._made, None) or 0.0

    def after_reply(self, response: httpx.Response) -> float:
        """Return the seconds to wait after a reply that is no success.

        Raises:
            ClientError: Asking again will not help, or was done as often as it may be.
        """
        self._made += 1
        wait = retrying.wait_before(self._made, retrying.retry_after(response))
        if response.status_code not in retrying.HEALING or self._made > self._retries or wait is None:
            raise messages.failure(response, self._message)
        return wait
