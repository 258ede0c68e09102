"""Who counts as one address: an IPv4 address, or a /64 network of IPv6, of which one subscriber has 2 to the 64 addresses."""

from __future__ import annotations

import ipaddress
from functools import lru_cache


@lru_cache(4_096)
def one(address: str) -> str:
    """Return what an address is counted as; whatever is no address, as it is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found.packed[:8] + bytes(8), 64)))
