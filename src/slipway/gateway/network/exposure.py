"""An address that other machines can reach needs TLS and authentication. The settings check this too, but not every caller uses them."""

from __future__ import annotations

import ipaddress

from slipway.errors import PlatformError


class ExposedError(PlatformError):
    """Other machines could reach the gateway without TLS or without authentication."""


def check(address: str, *, tls: bool, authentication: bool) -> None:
    """Refuse an address beyond this machine's loopback, 127.0.0.0/8 or ::1, without TLS and authentication.

    Raises:
        ExposedError: One of them is off; the message says what to set.
    """
    if ipaddress.ip_address(address).is_loopback or (tls and authentication):
        return
    way_out = f"or leave SLIPWAY_GATEWAY_ADDRESS at 127.0.0.1; {address} is reached from other machines."
    if not tls:
        raise ExposedError(
            f"{address}: expected TLS, found none, so keys and rows would be readable on the way. Set SLIPWAY_TLS_CERTIFICATE and "
            f"SLIPWAY_TLS_KEY (`slipway certs` makes a pair for trying out), {way_out}"
        )
    raise ExposedError(f"{address}: expected authentication, which is off, so anyone could ask. Turn it on, {way_out}")
