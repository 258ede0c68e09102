"""The settings of the gateway: address, TLS, limits, sign-in and audit log. Part of `slipway.settings`."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from slipway.settings.variables import Variables

SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
STORAGES = ("memory", "redis", "rediss", "redis+unix")
LOOPBACK = "127.0.0.1"


def rate(text: str) -> tuple[int, int]:
    """Return a rate such as "600/minute" as (requests, seconds).

    Raises:
        ValueError: The text is not `<whole number >= 1>/<second, minute, hour or day>`.
    """
    found = re.fullmatch(r"\s*(\d+)\s*/\s*(second|minute|hour|day)\s*", text)
    if not found or not int(found[1]):
        raise ValueError("expected a rate such as 600/minute: a whole number from 1, a slash, and second, minute, hour or day")
    return int(found[1]), SECONDS[found[2]]


def networks(text: str) -> tuple[str, ...]:
    """Return the networks of a list such as "10.0.0.7, 192.168.4.0/24, ::1". An address is a network of one.

    Raises:
        ValueError: A part is neither an address nor a network, or it is every address.
    """
    parts = [part for part in re.split(r"[\s,\"\[\]]+", text) if part]
    for part in parts:
        try:
            found = ipaddress.ip_network(part)
        except ValueError:
            raise ValueError(f"expected IP addresses and networks, such as 10.0.0.7, 192.168.4.0/24, received {part!r}") from None
        if not found.prefixlen:
            raise ValueError(f"expected the addresses of your proxies, received {part}, which is every address: anyone could forge theirs")
    return tuple(parts)


def is_loopback(address: str) -> bool:
    """Return whether only this machine can reach an IP address."""
    return ipaddress.ip_address(address).is_loopback


def reachable(address: str) -> str:
    """Return the address for URLs of this machine's own programs: the loopback if it means all addresses."""
    found = ipaddress.ip_address(address)
    if found.is_unspecified:
        found = ipaddress.ip_address(LOOPBACK if found.version == 4 else "::1")
    return f"[{found}]" if found.version == 6 else str(found)


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _valid_networks(text: str) -> str:
    return ", ".join(networks(text))


def _valid_rate(text: str) -> str:
    rate(text)
    return text.strip()


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
Rate = Annotated[str, AfterValidator(_valid_rate)]
Networks = Annotated[str, AfterValidator(_valid_networks)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, le=3_600)]


class GatewaySettings(Variables):
    """The gateway's address, its callers, its limits, and its log."""

    gateway_address: str = Field(LOOPBACK, description="IP address that the gateway listens on; other addresses than loopback need TLS.")
    gateway_workers: Annotated[int, Field(ge=1, le=64)] = Field(1, description="Number of processes that answer requests.")
    tls_certificate: AbsolutePath | None = Field(None, description="PEM file: the certificate, then those between it and its authority.")
    tls_key: AbsolutePath | None = Field(None, description="PEM file: the certificate's key, without a passphrase.")
    tls_authority: AbsolutePath | None = Field(
        None, description="PEM file: the authority that this machine's programs trust for the gateway."
    )

    rate_per_caller: Rate = Field("60000/minute", description="Requests of one caller.")
    rate_per_address: Rate = Field("120000/minute", description="Requests from one address, before the caller is known.")
    limits_storage: str = Field("memory://", repr=False, description="Where requests are counted: memory:// or redis://host:port/0.")
    max_body_bytes: Count = Field(10 * 1024 * 1024, description="Largest body of a request, in bytes.")
    max_upload_bytes: Count = Field(100 * 1024 * 1024, description="Largest file that a person uploads on a page, in bytes.")
    max_rows: Count = Field(100_000, description="Most rows of a request.")
    concurrency: Count = Field(128, description="Requests that one worker works on at a time.")
    queue: Annotated[int, Field(ge=0)] = Field(512, description="Requests that may wait for it, in each worker; more get 503.")
    connections: Count = Field(4_096, description="Open connections of one worker.")
    connections_per_address: Count = Field(512, description="Open connections from one address, in each worker.")
    header_seconds: Seconds = Field(10.0, description="Longest time a caller may take to send a request's header, in seconds.")
    body_seconds: Seconds = Field(30.0, description="Longest time to send a body, or to take an answer, in seconds.")

    keep_alive_seconds: Seconds = Field(75.0, description="How long an idle connection stays open for the next request, in seconds.")
    trusted_proxies: Networks = Field(
        "", description="Addresses or networks of reverse proxies whose X-Forwarded and Forwarded fields count."
    )

    log_format: Literal["text", "json"] = Field("text", description="The gateway's own log: text for people, json for programs.")
    session_minutes: Annotated[int, Field(ge=1, le=1_440)] = Field(15, description="How long a token of POST /sessions is valid.")
    oidc_issuer: str | None = Field(None, description="OIDC provider whose tokens are accepted.")
    oidc_audience: str | None = Field(None, description="The audience those tokens must name.")
    oidc_jwks_url: str | None = Field(None, description="Address of the provider's public keys.")
    oidc_client_id: str | None = Field(None, description="The gateway's name at the provider, for people who sign in to the pages there.")
    oidc_client_secret: SecretStr | None = Field(None, description="Its secret there; none for a public client.")
    oidc_role_claim: str = Field("roles", description="The claim with the caller's roles, or its path, such as realm_access.roles.")
    oidc_name_claim: str = Field("sub", description="The claim that names the caller.")
    oidc_roles: dict[str, list[str]] = Field(
        default_factory=dict, description='The roles for the claim\'s values, as JSON: {"doctors": ["predict:heart-failure"]}.'
    )
    oidc_algorithms: list[str] = Field(["RS256", "ES256"], description="Accepted signature algorithms, as JSON.")
    oidc_second_factor: dict[str, list[str]] = Field(
        {"amr": ["mfa", "otp"]}, description="Claims and values that prove a second factor; a token needs one of them; {} for none."
    )
    lockout_failures: Annotated[int, Field(ge=2, le=1_000)] = Field(10, description="Wrong passwords of one name after which it is locked.")
    lockout_minutes: Annotated[float, Field(gt=0.02, le=1_440)] = Field(5.0, description="Minutes for which it is locked.")
    audit_url: str | None = Field(None, repr=False, description="SQLAlchemy URL of the audit log; default: SQLite in the home folder.")
    audit_retention_days: Count | None = Field(None, description="Days after which lines of the audit log may be removed.")

    @field_validator("gateway_address")
    @classmethod
    def _an_address(cls, address: str) -> str:
        if address == "localhost":
            return LOOPBACK
        try:
            return str(ipaddress.ip_address(address))
        except ValueError:
            raise ValueError("expected an IP address, such as 127.0.0.1, ::1 or 0.0.0.0 (all addresses of this machine)") from None

    @field_validator("limits_storage")
    @classmethod
    def _known_storage(cls, url: str) -> str:
        if urlsplit(url).scheme.removeprefix("async+") not in STORAGES:
            raise ValueError("expected memory:// or redis://host:port/0 (rediss:// with TLS)")
        return url.removeprefix("async+")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        provider = {"ISSUER": self.oidc_issuer, "AUDIENCE": self.oidc_audience, "JWKS_URL": self.oidc_jwks_url}
        missing = [f"SLIPWAY_OIDC_{name}" for name, value in provider.items() if not value]
        if 0 < len(missing) < len(provider):
            raise ValueError(f"an OIDC provider needs an issuer, an audience and the address of its keys: set {', '.join(missing)} too")
        if self.oidc_client_id and not self.oidc_issuer:
            raise ValueError("SLIPWAY_OIDC_CLIENT_ID is the gateway's name at a provider: set SLIPWAY_OIDC_ISSUER too")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("SLIPWAY_TLS_CERTIFICATE and SLIPWAY_TLS_KEY belong together: set both, or neither")
        if self.tls_certificate is None and not is_loopback(self.gateway_address):
            raise ValueError(
                f"SLIPWAY_GATEWAY_ADDRESS={self.gateway_address} is reachable from other machines, and without TLS others could read keys "
                "and rows on the way. Set SLIPWAY_TLS_CERTIFICATE and SLIPWAY_TLS_KEY (`slipway certs` makes a pair for trying out), "
                f"or leave the address at {LOOPBACK}"
            )
        return self
