"""Who is let in, as the settings say: the gatekeeper of one worker."""

from __future__ import annotations

from pathlib import Path

from slipway.access.gatekeeper import Gatekeeper
from slipway.access.guessing import BY_ADDRESS, Guessing, Policy
from slipway.access.provider import Provider
from slipway.gateway.configuration import Configuration


def gatekeeper_of(configuration: Configuration) -> Gatekeeper:
    """Return the gatekeeper of this process.

    Raises:
        ProviderError: What the settings say of the identity provider cannot be right.
    """
    lock = configuration.lockout_minutes * 60.0
    by_name = Policy(free=min(3, configuration.lockout_failures - 1), lock_after=configuration.lockout_failures, lock=lock, forget=3 * lock)
    return Gatekeeper(
        Path(configuration.home),
        session_minutes=configuration.session_minutes,
        provider=provider_of(configuration),
        guessing=Guessing(by_name, BY_ADDRESS),
    )


def provider_of(configuration: Configuration) -> Provider | None:
    """Return the identity provider, None where none is set; the settings saw to it that nothing of it is missing."""
    told = configuration
    if told.oidc_issuer is None or told.oidc_audience is None or told.oidc_jwks_url is None:
        return None
    return Provider(
        issuer=told.oidc_issuer,
        audience=told.oidc_audience,
        jwks_url=told.oidc_jwks_url,
        roles={value: tuple(roles) for value, roles in told.oidc_roles.items()},
        algorithms=told.oidc_algorithms,
        role_claim=told.oidc_role_claim,
        name_claim=told.oidc_name_claim,
        second_factor={claim: tuple(values) for claim, values in told.oidc_second_factor.items()},
    )
