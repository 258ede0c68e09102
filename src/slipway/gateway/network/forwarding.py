"""Where a request came from, behind a reverse proxy: client address, and the URL before its path.

Anyone can send `X-Forwarded-For`. So these fields count only on a connection from a trusted proxy, and of a list only what trusted proxies
added: it is read from its end, up to the first address that is not trusted.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from slipway.gateway.replies import BAD_REQUEST, RequestError

MOST_HOPS = 32
LONGEST = 200  # bytes of a prefix or a host
FOR, PROTO, HOST, PREFIX, FORWARDED = b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-prefix", b"forwarded"
RIGHT_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~-]+)(?::[0-9]{1,5})?")
RIGHT_PREFIX = re.compile(r"(?:/[0-9A-Za-z._~!$&'()*+,;=:@%-]+)+")
WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
PAIR = re.compile(r'\s*([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))\s*(;|,|$)', re.IGNORECASE)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class RequestOrigin(NamedTuple):
    """The client's address, and the URL before the paths: "", a prefix such as `/ml`, or `https://example.org/ml`."""

    address: str
    base: str


class Hop(NamedTuple):
    """What one proxy says about the request it received."""

    address: str
    scheme: str = ""
    host: str = ""


class Proxies:
    """The trusted proxies, by address or network."""

    def __init__(self, networks: tuple[str, ...] = ()) -> None:
        """Raises ValueError: one of them is neither an address nor a network."""
        found: list[Network] = [ipaddress.ip_network(network) for network in networks]
        self._any = bool(found)
        self._trusts = lru_cache(4_096)(lambda address: _is_in(address, found))

    def __contains__(self, address: str) -> bool:
        return self._any and self._trusts(address)

    def origin(self, peer: str, fields: Mapping[bytes, bytes]) -> RequestOrigin:
        """Return where a request came from.

        Args:
            peer: The address at the other end of the connection.
            fields: The request's header, by lower-case name.
        Raises:
            RequestError: 400, X-Forwarded-For and Forwarded differ. A proxy sets one of them and may let through what its client sent as
                the other.
        """
        if peer not in self:
            return RequestOrigin(peer, "")
        hops, forwarded = _hops(fields), _forwarded(fields[FORWARDED].decode("latin-1")) if FORWARDED in fields else []
        if FOR in fields and forwarded and self._client(peer, hops)[0] != self._client(peer, forwarded)[0]:
            raise RequestError(
                400, BAD_REQUEST, f"X-Forwarded-For and Forwarded differ; have the proxy at {peer} remove the one that it does not set."
            )
        address, hop = self._client(peer, hops if FOR in fields or not forwarded else forwarded)
        prefix = _last(fields, PREFIX).rstrip("/")
        base = prefix if len(prefix) <= LONGEST and RIGHT_PREFIX.fullmatch(prefix) and "/../" not in f"{prefix}/" else ""
        if hop.scheme in ("http", "https") and len(hop.host) <= LONGEST and RIGHT_HOST.fullmatch(hop.host):
            base = f"{hop.scheme}://{hop.host}{base}"
        return RequestOrigin(address, base)

    def _client(self, peer: str, hops: list[Hop]) -> tuple[str, Hop]:
        """Return the client's address, and the hop of the trusted proxy that is nearest to it."""
        address, nearest = peer, Hop("")
        for hop in reversed(hops[-MOST_HOPS:]):
            nearest = Hop(hop.address, hop.scheme or nearest.scheme, hop.host or nearest.host)
            if (found := _address(hop.address)) is None:
                break
            address = found
            if found not in self:
                break
        return address, nearest


def _hops(fields: Mapping[bytes, bytes]) -> list[Hop]:
    """Return the hops of the X-Forwarded fields. Where Proto and Host have as many values as For, each belongs to its address."""
    addresses, schemes, hosts = (_values(fields, name) for name in (FOR, PROTO, HOST))
    length = max(len(addresses), 1)
    rows = (_spread(values, length) for values in (schemes, hosts))
    addresses = addresses or [""]
    return [Hop(address, scheme.lower(), host) for address, scheme, host in zip(addresses, *rows, strict=True)]


def _spread(values: list[str], length: int) -> list[str]:
    return values if len(values) == length else [values[-1] if values else ""] * length


def _values(fields: Mapping[bytes, bytes], name: bytes) -> list[str]:
    return [value.strip() for value in fields[name].decode("latin-1").split(",")] if name in fields else []


def _last(fields: Mapping[bytes, bytes], name: bytes) -> str:
    return values[-1] if (values := _values(fields, name)) else ""


def _forwarded(text: str) -> list[Hop]:
    """Return the hops of a Forwarded field (RFC 7239). From a part that cannot be read, what is left of it does not count."""
    hops: list[Hop] = []
    found: dict[str, str] = {}
    place = 0
    while place < len(text):
        pair = PAIR.match(text, place)
        if pair is None:
            return [Hop("")]
        value = re.sub(r"\\(.)", r"\1", pair[2]) if pair[2] is not None else pair[3]
        found[pair[1].lower()] = value
        place = pair.end()
        if pair[4] != ";":
            hops.append(Hop(found.get("for", ""), found.get("proto", "").lower(), found.get("host", "")))
            found = {}
    return hops


@lru_cache(4_096)
def _address(text: str) -> str | None:
    """Return the address of a hop, perhaps written with a port; None if it is no address, as in `unknown`."""
    if pair := WITH_PORT.fullmatch(text):
        text = pair[1] or pair[2]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)


def _is_in(address: str, networks: list[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    plain = getattr(found, "ipv4_mapped", None) or found
    return any(plain.version == network.version and plain in network for network in networks)
