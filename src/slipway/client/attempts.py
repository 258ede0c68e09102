"""The attempts at one request: how long to wait after a failed one, or the error that ends them."""

from __future__ import annotations

import httpx

from slipway.client import errors, messages, retrying


class Attempts:
    """Counts the attempts at one message, which is sent again at most `retries` times."""

    def __init__(self, message: messages.Message, retries: int) -> None:
        self._message = message
        self._retries = retries
        self._made = 0

    def after_error(self, error: httpx.TransportError) -> float:
        """Return the seconds to wait after an attempt without a reply.

        Raises:
            NotAnswered: No answer came in time.
            Unavailable: No connection can be made, or every attempt broke off.
        """
        self._made += 1
        address = error.request.url
        reason = str(error) or type(error).__name__
        if isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout):
            raise errors.NotAnswered(f"{address}: no answer in time ({reason}); allow more with timeout=, or send fewer rows.") from error
        if not retrying.heals(error) or self._made > self._retries:
            raise errors.Unavailable(f"{address}: no connection ({reason}), tried {self._made} times.") from error
        return retrying.wait_before(self._made, None) or 0.0

    def after_reply(self, response: httpx.Response) -> float:
        """Return the seconds to wait after a reply that reports a failure.

        Raises:
            ClientError: Sending it again will not help, or there are no retries left.
        """
        self._made += 1
        wait = retrying.wait_before(self._made, retrying.retry_after(response))
        if response.status_code not in retrying.HEALING or self._made > self._retries or wait is None:
            raise messages.failure(response, self._message)
        return wait
