"""Which version answers for which model: follows the bundle store's pointers and switches without a pause.

A new bundle is proven beside the old one, in another thread, and takes over by one assignment. One that cannot be proven never answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from slipway.bundle.store.active import POINTER, Pointer, active
from slipway.errors import PortTakenError, SlipwayError
from slipway.gateway.versions.challengers import Challengers
from slipway.gateway.versions.pointers import LOOK_EVERY, Failure, Stamp, load, stamps

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment

TRY_PORT_AGAIN_AFTER = 5.0

logger = logging.getLogger(__name__)


class Ports(Protocol):
    """The models' own ports."""

    def open(self, port: int, model: str) -> None: ...
    def close(self, port: int) -> None: ...


class ServedFleet:
    """The models in service. `follow` is the only writer; reading takes no lock, because all of it happens on one event loop.

    `challengers` are tried beside them.
    """

    def __init__(self, store: Path, other_ports: Mapping[str, int]) -> None:
        self._store = store
        self._other_ports = other_ports
        self._deployments: dict[str, Deployment] = {}
        self._failures: dict[str, Failure] = {}
        self._seen: dict[str, Stamp] = {}
        self._installed: set[str] = set()
        self._again: dict[str, float] = {}
        self.challengers = Challengers(store, self.find)

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
        """Return what is in service, what failed since, and what is tried beside it, ready for JSON."""
        deployment, failure = self._deployments.get(model), self._failures.get(model)
        beside = {
            "error": None if failure is None else {"installation": failure.installation, "message": failure.message},
            "challenger": self.challengers.status(model),
        }
        if deployment is None:
            absent = dict.fromkeys(("version", "run_id", "installation", "sample", "port"))
            return {"model": model, **absent, **beside, "columns": [], "classes": []}
        contract = msgspec.to_builtins(deployment.contract)
        return {**contract, "installation": deployment.installation, "port": deployment.port, **beside}

    async def follow(self, ports: Ports) -> None:
        """Look at the pointers for ever; a champion never waits for a challenger that is being loaded."""
        await asyncio.gather(self._follow_pointers(ports), self.challengers.follow())

    async def _follow_pointers(self, ports: Ports) -> None:
        while True:
            try:
                await self._look(ports)
            except OSError:
                logger.exception("%s cannot be read; what is in service stays so", self._store)
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self, ports: Ports) -> None:
        found = stamps(self._store, POINTER)
        self._installed = set(found)
        for model in (self._deployments.keys() | self._failures.keys() | self._seen.keys()) - found.keys():
            self._withdraw(model, ports)
        for model, stamp in found.items():
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
        deployment = await asyncio.to_thread(load, self._store / model / pointer.bundle, model, pointer, port)
        ports.open(port, model)
        old = self._deployments.get(model)
        self._deployments[model] = deployment
        self.challengers.pair(model)
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


def _now() -> float:
    return asyncio.get_running_loop().time()
