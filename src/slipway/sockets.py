"""Listening sockets. This module imports no server, so that the parent of several workers stays small."""

from __future__ import annotations

import errno
import socket

from slipway.errors import PlatformError, PortTakenError

BACKLOG = 2_048


def bind(address: str, port: int) -> socket.socket:
    """Return a socket that listens on an IPv4 or IPv6 address; `::` accepts IPv4 too.

    Raises:
        PortTakenError: Another program listens there; the message names it if the system does.
        PlatformError: The system does not allow this port, or the address is not this machine's.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if address == "::":
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        sock.bind((address, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise _explained(error, address, port) from None
    sock.setblocking(False)
    return sock


def _explained(error: OSError, address: str, port: int) -> PlatformError:
    if error.errno == errno.EADDRNOTAVAIL:
        return PlatformError(f"{address} is not an address of this machine. Set SLIPWAY_GATEWAY_ADDRESS to one, or to 0.0.0.0 for all.")
    if error.errno != errno.EADDRINUSE:
        return PlatformError(f"port {port} on {address} cannot be opened: {error.strerror}. Choose another port.")
    return PortTakenError(
        f"port {port} on {address}: expected to be free, but {_holder(port)} listens there. "
        "Stop that program, or choose another port (SLIPWAY_GATEWAY_PORT, or SLIPWAY_MODEL_PORTS for a model's)."
    )


def _holder(port: int) -> str:
    import psutil

    unknown = "another program"
    try:
        connections = psutil.net_connections("tcp")
        pid = next(c.pid for c in connections if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port and c.pid)
        return f"{psutil.Process(pid).name()} (process {pid})"
    except (psutil.Error, OSError, StopIteration):
        return unknown
