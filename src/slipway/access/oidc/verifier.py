"""Bearer tokens of an OIDC provider. They must be signed by it and issued for us."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

from slipway.access.callers import Caller
from slipway.access.oidc.provider import Provider, claim
from slipway.access.oidc.provider_keys import ProviderKeys
from slipway.access.refusals import UnauthenticatedError

LONGEST_NAME = 200

WHY = {
    "ExpiredSignatureError": "it has expired",
    "ImmatureSignatureError": "it is not valid yet",
    "InvalidAudienceError": "it is meant for another audience",
    "InvalidIssuerError": "it comes from another issuer",
    "MissingRequiredClaimError": "it lacks a claim that is needed",
}


class TokenVerifier:
    """Checks tokens of one provider. `verify` is for the event loop's thread; PyJWT should be imported before."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._keys = ProviderKeys(provider)

    async def verify(self, token: str) -> tuple[Caller, float]:
        """Return the caller whose token it is, and when it expires, in Unix seconds.

        Raises:
            UnauthenticatedError: The token is refused; the message says why, and repeats nothing of it.
            UndecidedError: The provider does not answer.
        """
        claims = await self._claims(token)
        return self._caller(claims), float(claims["exp"])

    async def identify(self, token: str, nonce: str) -> Caller:
        """Return the person of an ID token that was issued for the sign-in with this nonce. Raises as `verify` does."""
        await asyncio.to_thread(importlib.import_module, "jwt")  # outside of the event loop: the first import takes half a second
        claims = await self._claims(token)
        if claims.get("nonce") != nonce:
            raise _refused("it was issued for another sign-in")
        return self._caller(claims)

    async def _claims(self, token: str) -> dict[str, Any]:
        import jwt

        provider = self._provider
        try:
            kid = _key_id(jwt.get_unverified_header(token), provider)  # first, so that tokens of another kind cost no fetch
            return dict(
                jwt.decode(
                    token,
                    await self._keys.find(kid),
                    algorithms=list(provider.algorithms),
                    issuer=provider.issuer,
                    audience=provider.audience,
                    leeway=provider.leeway,
                    options={"require": ["exp", "iss", "aud"]},
                )
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:  # the last two come from claims of an unexpected type
            raise _refused(WHY.get(type(error).__name__, "its form or signature is wrong")) from None

    def close(self) -> None:
        self._keys.close()

    def _caller(self, claims: dict[str, Any]) -> Caller:
        provider = self._provider
        name = claim(claims, provider.name_claim)
        if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= LONGEST_NAME:
            raise _refused(f"its claim {provider.name_claim!r} is not a name")
        if not provider.has_second_factor(claims):
            wanted = " or ".join(f"{name} with one of {', '.join(values)}" for name, values in provider.second_factor.items())
            raise _refused(f"it does not say that a second factor was used ({wanted}); sign in at the provider with one")
        return Caller(name, "oidc", provider.grants(claims))


def _key_id(header: dict[str, Any], provider: Provider) -> str:
    if header.get("alg") not in provider.algorithms:
        raise _refused(f"expected a signature by {' or '.join(provider.algorithms)}")
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise _refused("it does not name the key that signed it")
    return kid


def _refused(why: str) -> UnauthenticatedError:
    return UnauthenticatedError(f"the token of the provider is refused: {why}. Get a new token.")
