"""The provider's public keys: fetched when they are needed, kept, and fetched again when a token names an unknown one."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from slipway.access.oidc.provider import Provider
from slipway.access.refusals import UnauthenticatedError, UndecidedError

if TYPE_CHECKING:
    from jwt import PyJWK

FRESH = 300.0  # seconds after which keys are fetched again, so that a withdrawn key becomes invalid
USABLE = 3600.0  # seconds for which keys stay valid while the provider does not answer

logger = logging.getLogger(__name__)


class ProviderKeys:
    """Fetches keys in its own thread, one fetch at a time, and at most one every `refetch` seconds."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._keys: dict[str, PyJWK] = {}
        self._fetched = self._tried = float("-inf")
        self._reachable = True
        self._fetching = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "jwks")

    async def find(self, kid: str) -> PyJWK:
        """Return the key of that id.

        Raises:
            UnauthenticatedError: The provider publishes no such key.
            UndecidedError: The provider does not answer.
        """
        if not self._known(kid, FRESH):
            async with self._fetching:
                if not self._known(kid, FRESH) and time.monotonic() - self._tried >= self._provider.refetch:
                    await self._fetch()
        if self._known(kid, USABLE):
            return self._keys[kid]
        if not self._reachable:
            raise UndecidedError("the provider that signs tokens does not answer, so yours cannot be checked. Try again.", retry_after=5)
        raise UnauthenticatedError("this token is signed with a key that its provider does not publish. Get a new token.")

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _known(self, kid: str, seconds: float) -> bool:
        return kid in self._keys and time.monotonic() - self._fetched < seconds

    async def _fetch(self) -> None:
        self._tried, self._reachable = time.monotonic(), False
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._ask)
        try:
            self._keys = await asyncio.wait_for(work, self._provider.timeout)
            self._fetched, self._reachable = time.monotonic(), True
        except Exception as error:  # any failure of the network or the page leads to the same answer
            logger.warning("the keys of %s cannot be fetched from %s: %r", self._provider.issuer, self._provider.jwks_url, error)

    def _ask(self) -> dict[str, PyJWK]:
        from jwt import PyJWKClient

        client = PyJWKClient(self._provider.jwks_url, cache_jwk_set=False, timeout=self._provider.timeout)
        return {key.key_id: key for key in client.get_signing_keys() if key.key_id}
