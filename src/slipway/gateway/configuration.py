"""The gateway's settings, read by a short-lived child process.

Reading them needs pydantic, which would take 24 MB of the gateway and delay its first answer. So a child reads them while the gateway
imports its own modules.
"""

from __future__ import annotations

import os
import traceback
from typing import NoReturn

import msgspec

from slipway.errors import PlatformError


class Configuration(msgspec.Struct, frozen=True):
    """The settings of the gateway, as `.env.example` describes them. `model_ports` replaces the ports of the bundles' pointers.

    Each rate is (requests, seconds).
    """

    home: str
    bundles: str
    address: str
    port: int
    model_ports: dict[str, int]
    workers: int = 1
    tls_certificate: str | None = None
    tls_key: str | None = None
    rate_per_caller: tuple[int, int] = (60_000, 60)
    rate_per_address: tuple[int, int] = (120_000, 60)
    limits_storage: str = "memory://"
    max_body_bytes: int = 10 * 1024 * 1024
    max_upload_bytes: int = 100 * 1024 * 1024
    max_rows: int = 100_000
    concurrency: int = 128
    queue: int = 512
    connections: int = 4_096
    connections_per_address: int = 512
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    keep_alive_seconds: float = 75.0
    trusted_proxies: tuple[str, ...] = ()
    log_format: str = "text"
    session_minutes: int = 15
    oidc_issuer: str | None = None
    oidc_audience: str | None = None
    oidc_jwks_url: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = None
    oidc_role_claim: str = "roles"
    oidc_name_claim: str = "sub"
    oidc_roles: dict[str, list[str]] = {}
    oidc_algorithms: tuple[str, ...] = ("RS256", "ES256")
    oidc_second_factor: dict[str, list[str]] = msgspec.field(default_factory=lambda: {"amr": ["mfa", "otp"]})
    lockout_failures: int = 10
    lockout_minutes: float = 5.0
    audit_url: str | None = None
    audit_retention_days: int | None = None


class Reading:
    """A child process that reads the settings. Make one before any thread starts: it forks."""

    def __init__(self) -> None:
        self._pipe, child_end = os.pipe()
        self._child = os.fork()
        if not self._child:
            _read_and_exit(child_end)
        os.close(child_end)

    def result(self) -> Configuration:
        """Wait for the settings.

        Raises:
            PlatformError: They are not valid; standard error says what is wrong.
        """
        with os.fdopen(self._pipe, "rb") as pipe:
            content = pipe.read()
        if os.waitpid(self._child, 0)[1]:
            raise PlatformError("the settings are not valid, see above; correct the SLIPWAY_* variables or .env and start again.")
        return msgspec.json.decode(content, type=Configuration)


def _read_and_exit(pipe: int) -> NoReturn:
    try:
        os.write(pipe, msgspec.json.encode(_configuration()))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _configuration() -> Configuration:
    from slipway.settings import Settings
    from slipway.settings.gateway import networks, rate

    settings = Settings.load()
    values = settings.model_dump(mode="json", include=set(Configuration.__struct_fields__)) | {
        "bundles": str(settings.bundles),
        "address": settings.gateway_address,
        "port": settings.gateway_port,
        "workers": settings.gateway_workers,
        "rate_per_caller": rate(settings.rate_per_caller),
        "rate_per_address": rate(settings.rate_per_address),
        "oidc_client_secret": settings.oidc_client_secret and settings.oidc_client_secret.get_secret_value(),
        "trusted_proxies": networks(settings.trusted_proxies),
    }
    return msgspec.convert(values, Configuration)
