"""Limits of open connections: their number, and the seconds that a caller may take for a header, a body or an answer.

A look over all connections every half second costs less than a timer for each request.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Protocol

from slipway.access.networks import network_of
from slipway.gateway.network.forwarding import Proxies

LOOK_EVERY = 0.5
# The largest default of callers, so that they close first: a request that is sent into a closing connection is lost.
KEEP_ALIVE = 75.0
PROXY = "a trusted proxy"  # all its callers share its address, so only the limit of all connections holds for it


class Connection(Hashable, Protocol):
    """An open connection. `address` is the network of its caller."""

    address: str

    def look(self, now: float) -> None:
        """End the connection if the caller is late."""


@dataclass
class Connections:
    """The connections of one worker, on all its ports, and their limits."""

    most: int = 4_096
    most_per_address: int = 512
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    keep_alive_seconds: float = KEEP_ALIVE
    proxies: Proxies = field(default_factory=Proxies)
    open: set[Connection] = field(default_factory=set)
    per_address: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    timed_out: Counter[str] = field(default_factory=Counter)
    upgrades: int = 0

    def source(self, address: str) -> str:
        """Return what connections from an address are counted as: its network, or `PROXY`."""
        return PROXY if address in self.proxies else network_of(address)

    def add(self, connection: Connection) -> bool:
        """Count a connection; return False if there are too many, in all or from its address."""
        full = self.per_address[connection.address] >= self.most_per_address and connection.address != PROXY
        if len(self.open) >= self.most or full:
            self.refused += 1
            return False
        self.open.add(connection)
        self.per_address[connection.address] += 1
        return True

    def remove(self, connection: Connection) -> None:
        if connection in self.open:
            self.open.remove(connection)
            self.per_address[connection.address] -= 1
            if not self.per_address[connection.address]:
                del self.per_address[connection.address]

    async def watch(self) -> None:
        """Close connections that take too long, until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(min(LOOK_EVERY, self.header_seconds / 4, self.body_seconds / 4))
            for connection in list(self.open):
                connection.look(now())
