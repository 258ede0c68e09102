"""Which program uses a port, and the error that names it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import psutil

from slipway import sockets
from slipway.errors import PortTakenError
from slipway.settings import LOOPBACK


@dataclass(frozen=True)
class PortNeed:
    """A port that something of ours will listen on, and the setting that moves it."""

    port: int
    user: str
    setting: str
    address: str = LOOPBACK


def check_free(needs: Sequence[PortNeed], ours: Collection[int] = ()) -> None:
    """Return when every port can be opened and none is wanted twice.

    Args:
        ours: Processes that may have the ports already: those of the program that needs them.
    Raises:
        PortTakenError: With every conflict, not the first: the port, what it is for, who holds it, and the way out.
    """
    problems, seen = [], dict[int, PortNeed]()
    for need in needs:
        if other := seen.setdefault(need.port, need):
            if other is not need:
                problems.append(f"port {need.port} is set for both {other.user} and {need.user}; set {need.setting} to another port.")
            elif taken := conflict(need, ours):
                problems.append(f"{taken} Stop that process, or set {need.setting} to a free port.")
    if problems:
        raise PortTakenError("\n".join(problems))


def conflict(need: PortNeed, ours: Collection[int] = ()) -> str:
    """Return which other program has the port; "" if the port is free or ours."""
    if _is_free(need) or set(ours).intersection(_listeners(need.port)):
        return ""
    return f"port {need.port}, which {need.user} needs, is held by {holder(need.port)}."


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


def _is_free(need: PortNeed) -> bool:
    try:
        sockets.bind(need.address, need.port).close()
    except PortTakenError:
        return False
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
