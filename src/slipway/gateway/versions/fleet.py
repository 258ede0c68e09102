"""The versions in service. They follow the pointers of the bundle store, and switch without a pause.

A new bundle is proven in another thread, beside the old one, and takes over by one assignment. One that cannot be proven never answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from slipway.bundle.store.active import POINTER, Pointer, active
from slipway.errors import PortTakenError, SlipwayError
from slipway.files.readers import HangingError, Readers
from slipway.gateway.versions.challengers import Challengers
from slipway.gateway.versions.pointers import (
    HOLD_UP,
    LOOK_EVERY,
    TRY_AGAIN_AFTER,
    Failure,
    Stamp,
    bundle_stamp,
    exhausted,
    load,
    may_pass,
    stamps,
)

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment

LOOK_AT_BUNDLES_EVERY = 0.2
PUT_BACK = "Put it back, release the model again, or roll back to another version."

logger = logging.getLogger(__name__)


class Ports(Protocol):
    """The models' own ports."""

    def open(self, port: int, model: str) -> None: ...
    def close(self, port: int) -> None: ...


class ServedFleet:
    """The models in service, and their `challengers`. For the event loop's thread, so there is no lock; only `follow` changes them."""

    def __init__(self, store: Path, other_ports: Mapping[str, int]) -> None:
        self._store = store
        self._other_ports = other_ports
        self._deployments: dict[str, Deployment] = {}
        self._failures: dict[str, Failure] = {}
        self._seen: dict[str, Stamp] = {}
        self._installed: set[str] = set()
        self._again: dict[str, float] = {}
        self._loaded: dict[str, tuple[Path, object]] = {}
        self._altered: dict[str, str] = {}
        self._readers, self._lookers = Readers(), Readers(HOLD_UP)
        self._looked = float("-inf")
        self._renewing: dict[str, asyncio.Task[None]] = {}
        self._unreadable = False
        self.challengers = Challengers(store, self.find)

    def find(self, model: str) -> Deployment | None:
        """Return the version in service."""
        return self._deployments.get(model)

    def starting(self, model: str) -> bool:
        """Return whether the model's first bundle is still being loaded."""
        return model in self._installed and model not in self._deployments and model not in self._failures

    def failed(self, model: str) -> bool:
        """Return whether the model's latest installation failed."""
        return model in self._failures

    def altered(self) -> dict[str, str]:
        """Return what happened on the disk to bundles that answer from memory, by model."""
        return self._altered

    def knows(self, model: str) -> bool:
        """Return whether a version of the model is installed, in service or not."""
        return model in self._deployments or model in self._installed

    def models(self) -> list[str]:
        """Return the names of all models with an installed version, in service or not."""
        return sorted(self._deployments.keys() | self._installed)

    def status(self, model: str) -> dict[str, Any]:
        """Return the version in service, a later one that failed, and the challenger, ready for JSON."""
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
        """Follow pointers and challenges, until cancelled. A champion never waits for a challenger that is being loaded."""
        await asyncio.gather(self._follow_pointers(ports), self.challengers.follow())

    async def _follow_pointers(self, ports: Ports) -> None:
        while True:
            try:
                await self._look(ports)
            except (OSError, HangingError) as error:
                if not self._unreadable or exhausted(error):  # the log counts these
                    counted = error if exhausted(error) else None
                    logger.error("%s cannot be read (%s); the versions in service stay", self._store, error, exc_info=counted)
                self._unreadable = True
            else:
                self._unreadable = False
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self, ports: Ports) -> None:
        found = await self._lookers.read("the bundle store", partial(stamps, self._store, POINTER))
        self._installed = set(found)
        for model in (self._deployments.keys() | self._failures.keys() | self._seen.keys()) - found.keys():
            self._withdraw(model, ports)
        for model, stamp in found.items():
            if model in self._renewing:
                continue
            if stamp != self._seen.get(model) or _now() >= self._again.get(model, float("inf")):
                self._seen[model] = stamp  # before the pointer is read: a change in between is seen at the next look
                self._again.pop(model, None)
                task = self._renewing[model] = asyncio.create_task(self._renew(model, ports), name=f"renew-{model}")
                task.add_done_callback(lambda _, model=model: self._renewing.pop(model))  # type: ignore[misc]
                await asyncio.wait([task], timeout=HOLD_UP)
        if _now() - self._looked >= LOOK_AT_BUNDLES_EVERY:
            self._looked = _now()
            await self._look_at_bundles()

    async def _look_at_bundles(self) -> None:
        """Find bundles in service that were removed or altered on the disk. They answer from memory, until the gateway restarts."""
        for model, (folder, stamp) in list(self._loaded.items()):
            try:
                found = await self._lookers.read(f"the bundle {folder.name} of {model}", partial(bundle_stamp, folder))
            except HangingError as error:
                self._altered[model] = f"{error} It answers from memory."
                continue
            if found == stamp:
                self._altered.pop(model, None)
            elif model not in self._altered:
                what = "altered" if found else "removed"
                self._altered[model] = f"the bundle {folder.name} was {what}; it answers from memory until a restart. {PUT_BACK}"
                logger.error("%s: %s", model, self._altered[model])

    async def _renew(self, model: str, ports: Ports) -> None:
        installation = ""
        try:
            pointer = await self._readers.read(f"the pointer of {model}", partial(active, self._store, model))
            if pointer is None:
                return
            installation = pointer.installation
            current = self._deployments.get(model)
            if current is None or current.installation != installation:
                await self._switch(model, pointer, ports)
            self._failures.pop(model, None)
        except PortTakenError as error:  # the port may become free
            self._again[model] = _now() + TRY_AGAIN_AFTER
            self._fail(model, Failure(installation, str(error)))
        except SlipwayError as error:
            self._try_again(model, error)
            self._fail(model, Failure(installation, str(error)))
        except Exception as error:
            self._try_again(model, error)
            if not may_pass(error):
                logger.exception("%s: the bundle cannot be loaded", model)
            self._fail(model, Failure(installation, f"{type(error).__name__}: {error}"))

    async def _switch(self, model: str, pointer: Pointer, ports: Ports) -> None:
        port, folder = self._other_ports.get(model, pointer.port), self._store / model / pointer.bundle
        stamp, deployment = await self._readers.read(f"bundle {folder.name} of {model}", lambda: _loaded(folder, model, pointer, port))
        ports.open(port, model)
        self._loaded[model] = folder, stamp
        old = self._deployments.get(model)
        self._deployments[model] = deployment
        self.challengers.pair(model)
        logger.info("%s version %s is in service on port %d", model, deployment.contract.version, port)
        if old and old.port != port:
            ports.close(old.port)

    def _try_again(self, model: str, error: Exception) -> None:
        if may_pass(error):
            self._again[model] = _now() + TRY_AGAIN_AFTER

    def _fail(self, model: str, failure: Failure) -> None:
        if failure != self._failures.get(model):
            logger.error("%s: installation %s is not put into service: %s", model, failure.installation, failure.message)
        self._failures[model] = failure

    def _withdraw(self, model: str, ports: Ports) -> None:
        self._seen.pop(model, None)
        self._again.pop(model, None)
        self._failures.pop(model, None)
        self._loaded.pop(model, None)
        self._altered.pop(model, None)
        if deployment := self._deployments.pop(model, None):
            ports.close(deployment.port)
            logger.info("%s is out of service; its port %d is closed", model, deployment.port)


def _loaded(folder: Path, model: str, pointer: Pointer, port: int) -> tuple[object, Deployment]:
    stamp = bundle_stamp(folder)  # before it is read: a change in between is seen at the next look
    return stamp, load(folder, model, pointer, port)


def _now() -> float:
    return asyncio.get_running_loop().time()
