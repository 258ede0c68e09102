"""Which addresses count as one caller, for the limits and for guessing alike."""

from __future__ import annotations

import pytest

from slipway.access.networks import network_of


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::2:3%eth0", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("unknown", "unknown"),
    ],
)
def test_an_address_counts_as_itself_or_as_its_ipv6_network(address: str, counted: str) -> None:
    assert network_of(address) == counted
