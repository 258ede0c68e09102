"""An OIDC provider as the operator describes it: which of its tokens are accepted, and what they allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from slipway.access.callers import ADMINISTER, Grant, InvalidGrantError
from slipway.errors import SlipwayError

ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ProviderError(SlipwayError, ValueError):
    """The description of the provider is not valid."""


class Provider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The provider's addresses, and how to read its claims.

    A claim has a name or, inside an object, a path with dots, such as `realm_access.roles`.
    `roles` maps each value of the role claim to our roles, such as {"doctors": ["predict:heart-failure"]}; other values are ignored.
    If it is empty, the values are our roles themselves.
    `second_factor` maps claims to values: a token needs one of them, such as amr with "otp". If it is empty, none is needed.
    `leeway`, `timeout` and `refetch` are in seconds; unknown keys are fetched at most once every `refetch`.
    """

    issuer: str
    audience: str
    jwks_url: str
    roles: dict[str, tuple[str, ...]] = {}
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    role_claim: str = "roles"
    name_claim: str = "sub"
    second_factor: dict[str, tuple[str, ...]] = msgspec.field(default_factory=lambda: {"amr": ("mfa", "otp")})
    leeway: float = 10.0
    timeout: float = 5.0
    refetch: float = 30.0

    def __post_init__(self) -> None:
        """Raises ProviderError, InvalidGrantError."""
        if not self.issuer or not self.audience or not self.name_claim:
            raise ProviderError("OIDC: expected an issuer, an audience and a name claim; without them, any token would be accepted.")
        wrong = sorted(set(self.algorithms) - set(ASYMMETRIC))
        if wrong or not self.algorithms:
            raise ProviderError(f"OIDC algorithms: expected some of {', '.join(ASYMMETRIC)}, received {', '.join(wrong) or 'none'}.")
        if not is_safe(self.jwks_url):
            raise ProviderError("OIDC JWKS address: expected one that begins with https://, so that nobody can replace a key on the way.")
        for role in (role for given in self.roles.values() for role in given):
            if Grant.parse(role).role == ADMINISTER:
                raise ProviderError(
                    f"OIDC roles: {ADMINISTER!r} cannot come from a provider, because administering takes a code that the gateway checks. "
                    f"Add a user of the gateway: `slipway users add NAME --role {ADMINISTER}`."
                )

    def grants(self, claims: Mapping[str, Any]) -> frozenset[Grant]:
        """Return the grants of the token's role claim."""
        values = texts(claim(claims, self.role_claim))
        if self.roles:
            return frozenset(Grant.parse(role) for value in values for role in self.roles.get(value, ()))
        return frozenset(grant for value in values if (grant := _as_grant(value)))

    def has_second_factor(self, claims: Mapping[str, Any]) -> bool:
        """Return whether the token says that a second factor was used, or none is needed."""
        return not self.second_factor or any(set(texts(claim(claims, name))) & set(good) for name, good in self.second_factor.items())


def is_safe(address: str) -> bool:
    """Return whether nobody on the way can read or replace what is at this address."""
    url = urlsplit(address)
    return url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK)


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim by its name or else by its path; None if it is missing."""
    if name in claims:  # a name may have dots, such as https://example.org/roles
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _as_grant(value: str) -> Grant | None:
    try:
        grant = Grant.parse(value)
    except InvalidGrantError:
        return None
    return None if grant.role == ADMINISTER else grant


def texts(value: Any) -> tuple[str, ...]:
    """Return the texts of a claim: those of a list, or one text and the words in it, as in `scope`."""
    if isinstance(value, str):
        return (value, *value.split())
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
