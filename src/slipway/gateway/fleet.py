"""Which version answers for which model: follows the bundle store's pointers and switches without a pause.

A new bundle is proven beside the old one, in another thread, and takes over by one assignment. One that cannot be proven never answers.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from slipway.bundle.installing import POINTER, Pointer, active
from slipway.errors import PortTakenError, SlipwayError

if TYPE_CHECKING:
    from slipway.gateway.loading import Deployment

LOOK_EVERY = 0.1
TRY_PORT_AGAIN_AFTER = 5.0

logger = logging.getLogger(__name__)
Stamp = tuple[int, int, int]


class Ports(Protocol):
    """The models' own ports."""

    def open(self, port: int, model: str) -> None: ...
    def close(self, port: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Failure:
    """The installation that could not be put into service, and why; `installation` is empty when the pointer itself is unreadable."""

    installation: str
    message: str


class Fleet:
    """The models in service. `follow` is the only writer; reading takes no lock, because all of it happens on one event loop."""

    def __init__(self, store: Path, other_ports: Mapping[str, int]) -> None:
        self._store = store
        self._other_ports = other_ports
        self._deployments: dict[str, Deployment] = {}
        self._failures: dict[str, Failure] = {}
        self._seen: dict[str, Stamp] = {}
        self._installed: set[str] = set()
        self._again: dict[str, float] = {}

    def find(self, model: str) -> Deployment | None:
        """Return the version that answers now."""
        return self._deployments.get(model)

    def starting(self, model: str) -> bool:
        """Tell whether the model's first bundle is still being loaded."""
        return model in self._installed and model not in self._deployments and model not in self._failures

    def failed(self, model: str) -> bool:
        """Tell whether the model's latest installation could not be put into service."""
        return model in self._failures

    def knows(self, model: str) -> bool:
        """Tell whether the model is in service, is about to be, or failed to be."""
        return model in self._deployments or model in self._installed

    def models(self) -> list[str]:
        """Return the names of all models that are in service, are about to be, or failed to be."""
        return sorted(self._deployments.keys() | self._installed)

    def status(self, model: str) -> dict[str, Any]:
        """Return what is in service and what failed since, ready for JSON."""
        deployment, failure = self._deployments.get(model), self._failures.get(model)
        error = None if failure is None else {"installation": failure.installation, "message": failure.message}
        if deployment is None:
            absent = dict.fromkeys(("version", "run_id", "installation", "sample", "port"))
            return {"model": model, **absent, "error": error, "columns": [], "classes": []}
        return {
            **msgspec.to_builtins(deployment.contract),
            "installation": deployment.installation,
            "port": deployment.port,
            "error": error,
        }

    async def follow(self, ports: Ports) -> None:
        """Look at the pointers for ever; a look costs one `stat` a model."""
        while True:
            try:
                await self._look(ports)
            except OSError:
                logger.exception("%s cannot be read; what is in service stays so", self._store)
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self, ports: Ports) -> None:
        stamps = _stamps(self._store)
        self._installed = set(stamps)
        for model in (self._deployments.keys() | self._failures.keys() | self._seen.keys()) - stamps.keys():
            self._withdraw(model, ports)
        for model, stamp in stamps.items():
            if stamp != self._seen.get(model) or _now() >= self._again.get(model, float("inf")):
                self._seen[model] = stamp  # before the pointer is read: one that moves meanwhile is seen at the next look
                self._again.pop(model, None)
                await self._renew(model, ports)

    async def _renew(self, model: str, ports: Ports) -> None:
        installation = ""
        try:
            pointer = active(self._store, model)
            if pointer is None:
                return
            installation = pointer.installation
            current = self._deployments.get(model)
            if current is None or current.installation != installation:
                await self._switch(model, pointer, ports)
            self._failures.pop(model, None)
        except PortTakenError as error:  # whoever holds the port may let it go
            self._again[model] = _now() + TRY_PORT_AGAIN_AFTER
            self._fail(model, Failure(installation, str(error)))
        except SlipwayError as error:
            self._fail(model, Failure(installation, str(error)))
        except Exception as error:
            logger.exception("%s: the bundle cannot be loaded", model)
            self._fail(model, Failure(installation, f"{type(error).__name__}: {error}"))

    async def _switch(self, model: str, pointer: Pointer, ports: Ports) -> None:
        port = self._other_ports.get(model, pointer.port)
        deployment = await asyncio.to_thread(_load, self._store / model / pointer.bundle, model, pointer, port)
        ports.open(port, model)
        old = self._deployments.get(model)
        self._deployments[model] = deployment
        logger.info("%s version %s is in service on port %d", model, deployment.contract.version, port)
        if old and old.port != port:
            ports.close(old.port)

    def _fail(self, model: str, failure: Failure) -> None:
        if failure != self._failures.get(model):
            logger.error("%s: installation %s is not put into service: %s", model, failure.installation, failure.message)
        self._failures[model] = failure

    def _withdraw(self, model: str, ports: Ports) -> None:
        self._seen.pop(model, None)
        self._again.pop(model, None)
        self._failures.pop(model, None)
        if deployment := self._deployments.pop(model, None):
            ports.close(deployment.port)
            logger.info("%s is out of service; its port %d is closed", model, deployment.port)


def _load(folder: Path, model: str, pointer: Pointer, port: int) -> Deployment:
    """Import the engine with the first bundle, in that bundle's thread: the gateway answers `/ping` before it is there."""
    from slipway.gateway.loading import load

    return load(folder, model, pointer, port)


def _stamps(store: Path) -> dict[str, Stamp]:
    if not store.exists():
        return {}
    found = {}
    with os.scandir(store) as entries:
        for entry in entries:
            try:
                pointer = os.stat(os.path.join(entry.path, POINTER))
            except (FileNotFoundError, NotADirectoryError):
                continue
            found[entry.name] = (pointer.st_ino, pointer.st_mtime_ns, pointer.st_size)
    return found


def _now() -> float:
    return asyncio.get_running_loop().time()
