"""Tokens of both kinds, our sessions' and a provider's: checked once, then remembered."""

from __future__ import annotations

import asyncio
import importlib
import time

from slipway.access import sessions
from slipway.access.callers import Caller
from slipway.access.oidc.provider import Provider
from slipway.access.oidc.verifier import TokenVerifier
from slipway.access.store import AccessSnapshot

MOST = 4096
LONGEST = 16_384
TRUSTED = 300.0  # the longest time, in seconds, for which a token is not checked again


class Tokens:
    """Remembers verified tokens by sha256, until the token expires, 300 s have passed, or the access file changes."""

    def __init__(self, provider: Provider | None) -> None:
        self._provider = TokenVerifier(provider) if provider else None
        self._verified: dict[bytes, tuple[Caller, float]] = {}
        self._under: AccessSnapshot | None = None
        self._ready = False

    def recall(self, digest: bytes, snapshot: AccessSnapshot) -> Caller | None:
        if snapshot is not self._under:
            self._verified.clear()
            self._under = snapshot
        if (found := self._verified.get(digest)) and time.time() < found[1]:
            return found[0]
        return None

    async def prepare(self) -> None:
        """Import PyJWT outside the event loop, because the first import takes half a second."""
        if not self._ready:
            await asyncio.to_thread(importlib.import_module, "jwt")
            self._ready = True

    def takes(self, credential: bytes) -> bool:
        """Return whether the credential looks like a token that can be verified."""
        ours = credential.startswith(sessions.PREFIX.encode())
        foreign = self._provider is not None and credential.count(b".") == 2
        return (ours or foreign) and len(credential) <= LONGEST and credential.isascii()

    async def verify(self, digest: bytes, credential: bytes, snapshot: AccessSnapshot) -> Caller:
        """Return the caller whose token it is; `takes` must accept it.

        Raises:
            UnauthenticatedError: The token is not valid, or no longer.
            UndecidedError: The provider does not answer.
        """
        token = credential.decode("ascii")
        if self._provider is None or token.startswith(sessions.PREFIX):
            caller, until = _of_session(token, snapshot)
        else:
            caller, until = await self._provider.verify(token)
        if snapshot is self._under:
            while len(self._verified) >= MOST:
                del self._verified[next(iter(self._verified))]
            self._verified[digest] = (caller, min(until, time.time() + TRUSTED))
        return caller

    def close(self) -> None:
        if self._provider:
            self._provider.close()


def _of_session(token: str, snapshot: AccessSnapshot) -> tuple[Caller, float]:
    session = sessions.read(token, snapshot.session_secret)
    user = snapshot.users.get(session.user)
    if user is None or user.generation != session.generation or session.id in snapshot.ended:
        raise sessions.over()
    return snapshot.callers[session.user], session.expires
