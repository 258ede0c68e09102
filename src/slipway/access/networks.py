"""Which addresses count as one caller: one IPv4 address, or a /64 network of IPv6, whose addresses all belong to one subscriber."""

from __future__ import annotations

import ipaddress
from functools import lru_cache


@lru_cache(4_096)
def network_of(address: str) -> str:
    """Return the address or network that an address counts as. A text that is not an address is returned unchanged."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found.packed[:8] + bytes(8), 64)))
