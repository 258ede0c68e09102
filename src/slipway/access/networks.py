"""Which addresses count as one caller: an IPv4 address, or a /64 network of IPv6, because one subscriber has all of its addresses."""

from __future__ import annotations

import ipaddress
from functools import lru_cache


@lru_cache(4_096)
def network_of(address: str) -> str:
    """Return what an address counts as. A text that is no address is returned as it is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found.packed[:8] + bytes(8), 64)))
