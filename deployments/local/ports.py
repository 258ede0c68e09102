"""Who holds a port, and the error that says so."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from slipway.errors import PortTakenError
from slipway.settings import LOOPBACK


@dataclass(frozen=True)
class PortNeed:
    """A port that something of ours will listen on, and the setting that moves it."""

    port: int
    user: str
    setting: str


def check_free(needs: Sequence[PortNeed]) -> None:
    """Return when every port can be bound on loopback and none is wanted twice.

    Raises:
        PortTakenError: With every conflict, not the first: the port, what it is for, who holds it, and the way out.
    """
    problems, seen = [], dict[int, PortNeed]()
    for need in needs:
        if other := seen.setdefault(need.port, need):
            if other is not need:
                problems.append(f"port {need.port} is set for both {other.user} and {need.user}; set {need.setting} to another port.")
            elif not _is_free(need.port):
                problems.append(
                    f"port {need.port}, which {need.user} needs, is held by {holder(need.port)}. "
                    f"Stop that process, or set {need.setting} to a free port."
                )
    if problems:
        raise PortTakenError("\n".join(problems))


def holder(port: int) -> str:
    """Return who listens on a port, for a person: "process 4711 (python -m http.server 8000)"."""
    for pid in _listeners(port):
        try:
            process = psutil.Process(pid)
            return f"process {pid} ({' '.join(process.cmdline()) or process.name()})"
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied:
            return f"process {pid}"
    return "a process that this user may not inspect"


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: connections in TIME_WAIT do not count
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)  # Linux lets two sockets bind with SO_REUSEADDR; only one may listen
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise PortTakenError(f"port {port} cannot be used: {error.strerror}. Choose a port of 1024 or above.") from error
    return True


def _listeners(port: int) -> list[int]:
    try:
        found = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS shows other users' sockets to root only
        return [process.pid for process in psutil.process_iter() if _listens(process, port)]
    return [c.pid for c in found if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port and c.pid]


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        return any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in process.net_connections(kind="tcp"))
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return False
