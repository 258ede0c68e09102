"""The gatekeeper of one worker, from the settings."""

from __future__ import annotations

from pathlib import Path

from slipway.access.gatekeeper import Gatekeeper
from slipway.access.guessing import BY_ADDRESS, Guessing, Policy
from slipway.access.oidc.authorization import RelyingParty
from slipway.access.oidc.provider import Provider
from slipway.gateway.configuration import Configuration


def gatekeeper_of(configuration: Configuration) -> Gatekeeper:
    """Return the gatekeeper of this process.

    Raises:
        ProviderError: The settings of the identity provider cannot be right.
    """
    lock = configuration.lockout_minutes * 60.0
    by_name = Policy(free=min(3, configuration.lockout_failures - 1), lock_after=configuration.lockout_failures, lock=lock, forget=3 * lock)
    return Gatekeeper(
        Path(configuration.home),
        session_minutes=configuration.session_minutes,
        provider=provider_of(configuration),
        client=RelyingParty(configuration.oidc_client_id, configuration.oidc_client_secret or "") if configuration.oidc_client_id else None,
        guessing=Guessing(by_name, BY_ADDRESS),
    )


def provider_of(configuration: Configuration) -> Provider | None:
    """Return the identity provider, or None if none is set. The settings refuse a provider that is not complete.

    Raises:
        ProviderError: The settings of the identity provider cannot be right.
    """
    if configuration.oidc_issuer is None or configuration.oidc_audience is None or configuration.oidc_jwks_url is None:
        return None
    return Provider(
        issuer=configuration.oidc_issuer,
        audience=configuration.oidc_audience,
        jwks_url=configuration.oidc_jwks_url,
        roles={value: tuple(roles) for value, roles in configuration.oidc_roles.items()},
        algorithms=configuration.oidc_algorithms,
        role_claim=configuration.oidc_role_claim,
        name_claim=configuration.oidc_name_claim,
        second_factor={claim: tuple(values) for claim, values in configuration.oidc_second_factor.items()},
    )
