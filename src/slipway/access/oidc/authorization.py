"""Signing in at an OIDC provider: the authorization code flow with PKCE (OpenID Connect Core 3.1, RFC 7636), with discovery."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import msgspec

from slipway.access.callers import Caller
from slipway.access.oidc.provider import Provider, is_safe
from slipway.access.oidc.verifier import TokenVerifier
from slipway.access.refusals import UnauthenticatedError, UndecidedError

DISCOVERY = "/.well-known/openid-configuration"
FRESH = 3_600.0  # seconds after which the provider's addresses are asked for again
LARGEST = 1_000_000  # bytes of an answer

logger = logging.getLogger(__name__)


class RelyingParty(msgspec.Struct, frozen=True):
    """The gateway as the provider knows it. Without a secret, it is a public client, which PKCE protects."""

    id: str
    secret: str = ""

    def __repr__(self) -> str:
        return f"<RelyingParty {self.id}>"


class Attempt(msgspec.Struct, frozen=True):
    """What must come back, or be sent along, for one sign-in."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Attempt:
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a provider is asked for a sign-in, and for its token."""

    authorization: str
    token: str


class CodeFlow:
    """Sends people to the provider, and learns from the code they bring back who they are."""

    def __init__(self, provider: Provider, client: RelyingParty) -> None:
        self._provider, self._client = provider, client
        self._verifier = TokenVerifier(msgspec.structs.replace(provider, audience=client.id))
        self._addresses: Addresses | None = None
        self._fetched = float("-inf")

    @property
    def issuer(self) -> str:
        return self._provider.issuer

    async def begin(self, attempt: Attempt, back: str) -> str:
        """Return the address at the provider to which a person goes to sign in.

        Args:
            back: The address to which the provider returns the person.
        Raises:
            UndecidedError: The provider does not answer.
        """
        addresses = await self._discover()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": back,
            "scope": "openid",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{addresses.authorization}{'&' if '?' in addresses.authorization else '?'}{urlencode(query)}"

    async def finish(self, code: str, attempt: Attempt, back: str) -> Caller:
        """Return the person whom the provider has identified.

        Raises:
            UnauthenticatedError: The provider refuses the code, or its token is not valid, or not for this attempt.
            UndecidedError: The provider does not answer.
        """
        addresses = await self._discover()
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": self._client.id,
            "code_verifier": attempt.verifier,
        }
        answer = await self._ask(Request(addresses.token, urlencode(sent).encode(), self._credentials()))  # noqa: S310 - checked by _discover
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise UnauthenticatedError("the provider refused to sign this person in. Sign in again.")
        return await self._verifier.identify(token, attempt.nonce)

    def close(self) -> None:
        self._verifier.close()

    def _credentials(self) -> dict[str, str]:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self._client.secret:
            pair = urlencode({"": self._client.id})[1:] + ":" + urlencode({"": self._client.secret})[1:]  # RFC 6749, 2.3.1
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return headers

    async def _discover(self) -> Addresses:
        if self._addresses is None or time.monotonic() - self._fetched > FRESH:
            issuer = self._provider.issuer
            found = await self._ask(Request(issuer.rstrip("/") + DISCOVERY))  # noqa: S310 - the operator's setting
            addresses = Addresses(str(found.get("authorization_endpoint")), str(found.get("token_endpoint")))
            if found.get("issuer") != issuer or not (is_safe(addresses.authorization) and is_safe(addresses.token)):
                logger.error("%s%s: expected the issuer %s and addresses that begin with https://", issuer, DISCOVERY, issuer)
                raise _silent()
            self._addresses, self._fetched = addresses, time.monotonic()
        return self._addresses

    async def _ask(self, request: Request) -> dict[str, Any]:
        """Return the provider's answer, also one that refuses."""
        try:
            found = await asyncio.to_thread(_answer, request, self._provider.timeout)
        except (OSError, ValueError) as error:
            logger.warning("the provider %s does not answer at %s: %r", self._provider.issuer, request.full_url, error)
            raise _silent() from None
        return found if isinstance(found, dict) else {}


def _answer(request: Request, timeout: float) -> Any:
    try:
        with urlopen(request, timeout=timeout) as answer:  # noqa: S310 - https, or loopback
            return json.loads(answer.read(LARGEST))
    except HTTPError as error:
        if error.code >= 500:
            raise
        return json.loads(error.read(LARGEST) or b"{}")


def _silent() -> UndecidedError:
    return UndecidedError("the provider that signs people in does not answer. Try again.", retry_after=5)
