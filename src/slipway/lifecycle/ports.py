"""The ports that models and programs need, which program uses one, and the error that names it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import psutil

from slipway import sockets
from slipway.bundle.store.active import active
from slipway.catalogue import listings, port_of
from slipway.errors import PortTakenError
from slipway.settings import LOOPBACK, Settings


@dataclass(frozen=True)
class PortNeed:
    """A port that something of ours will listen on, and the setting that moves it."""

    port: int
    user: str
    setting: str
    address: str = LOOPBACK


def require_model_port(model: str, settings: Settings) -> None:
    """Refuse a model whose port another program has, or another model in service. The gateway may have it.

    Raises:
        PortTakenError: One of them has it.
    """
    ours = gateway_processes(settings)
    if not ours and not _is_free(PortNeed(settings.gateway_port, "the gateway", "SLIPWAY_GATEWAY_PORT", settings.gateway_address)):
        return  # another user's gateway: this user may not see which ports it has
    check_free([model_need(name, port, settings) for name, port in needed_ports(settings, model).items()], ours)


def model_ports(settings: Settings, *, in_service: bool) -> dict[str, int]:
    """Return the port of every model that has a version in service, or of every one that has none yet."""
    models = listings().services().items()
    return {name: port_of(model, settings) for name, model in models if bool(active(settings.bundles, name)) is in_service}


def needed_ports(settings: Settings, model: str | None) -> dict[str, int]:
    """Return the port of this model, and those models in service that have the same one, which is refused."""
    if model is None:
        return {}
    own = port_of(listings()[model], settings)
    return {name: port for name, port in model_ports(settings, in_service=True).items() if port == own} | {model: own}


def model_need(name: str, port: int, settings: Settings) -> PortNeed:
    """Return what the gateway needs to serve a model on the model's own port."""
    return PortNeed(port, f"the model {name}", f"""SLIPWAY_MODEL_PORTS='{{"{name}": ...}}'""", settings.gateway_address)


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


def gateway_processes(settings: Settings) -> set[int]:
    """Return the processes of the gateway: those that listen on its port, their parent and its other workers; none if it does not run."""
    found = set[int]()
    for pid in _listeners(settings.gateway_port):
        try:
            process = psutil.Process(pid)
            parent = process.parent()
            first = parent if parent and "slipway.gateway" in parent.cmdline() else process
            found |= {one.pid for one in (first, *first.children(recursive=True))}
        except psutil.Error:  # it ended, or is another user's
            found.add(pid)
    return found


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
