"""The challengers: versions that are tried beside those in service. They follow the challenge files, as `fleet` follows the pointers.

A challenger must be proven before it answers. If the bundle that its file names cannot be loaded, no challenger runs, not even the one
before: the service does not depend on it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.bundle.store.active import Pointer
from slipway.bundle.store.challenger import CHALLENGER, Challenge, challenged, mismatch
from slipway.errors import SlipwayError
from slipway.files.readers import HangingError, Readers
from slipway.gateway.versions.pointers import (
    HOLD_UP,
    LOOK_EVERY,
    TRY_AGAIN_AFTER,
    Failure,
    Stamp,
    exhausted,
    load,
    may_pass,
    stamps,
)
from slipway.gateway.versions.splitting import Challenger

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment

NO_PORT = 0

logger = logging.getLogger(__name__)


class Challengers:
    """The challengers of all models. For the event loop's thread; only `follow` and `pair` change them.

    Args:
        champion: Returns the version in service of a model.
    """

    def __init__(self, store: Path, champion: Callable[[str], Deployment | None]) -> None:
        self._store, self._champion = store, champion
        self._seen: dict[str, Stamp] = {}
        self._loaded: dict[str, tuple[Deployment, float]] = {}
        self._running: dict[str, Challenger] = {}
        self._failures: dict[str, Failure] = {}
        self._again: dict[str, float] = {}
        self._readers, self._lookers = Readers(), Readers(HOLD_UP)
        self._unreadable = False

    def beside(self, champion: Deployment) -> Challenger | None:
        """Return the challenger of the version that a request began with; None if there is none, or it is paused."""
        found = self._running.get(champion.contract.model)
        return found if found and found.champion == champion.installation else None

    def status(self, model: str) -> dict[str, Any] | None:
        """Return the challenger and its error, ready for JSON; None without a challenge."""
        loaded, failure = self._loaded.get(model), self._failures.get(model)
        if loaded is None and failure is None:
            return None
        status: dict[str, Any] = dict.fromkeys(("version", "run_id", "installation", "share"))
        if loaded:
            deployment, share = loaded
            contract = deployment.contract
            status = {"version": contract.version, "run_id": contract.run_id, "installation": deployment.installation, "share": share}
        return status | {"error": failure and {"installation": failure.installation, "message": failure.message}}

    def pair(self, model: str) -> None:
        """Run the model's challenger beside its current champion, or pause it. Call it whenever either of them changes."""
        loaded, champion = self._loaded.get(model), self._champion(model)
        self._running.pop(model, None)
        if loaded is None or champion is None:
            return
        deployment, share = loaded
        if why := _pause(champion, deployment, share):
            self._fail(model, Failure(deployment.installation, why))
        else:
            self._failures.pop(model, None)
            self._running[model] = Challenger(deployment, share, champion.installation)

    async def follow(self) -> None:
        """Follow the challenge files, until cancelled."""
        while True:
            try:
                await self._look()
            except (OSError, HangingError) as error:
                if not self._unreadable or exhausted(error):  # the log counts these
                    counted = error if exhausted(error) else None
                    logger.error("%s cannot be read (%s); challengers stay as they are", self._store, error, exc_info=counted)
                self._unreadable = True
            else:
                self._unreadable = False
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self) -> None:
        # A challenger is loaded after its champion, whose first answer must not wait for it.
        every = await self._lookers.read("the bundle store", partial(stamps, self._store, CHALLENGER))
        found = {model: stamp for model, stamp in every.items() if self._champion(model)}
        for model in self._seen.keys() - found.keys():
            self._withdraw(model)
        for model, stamp in found.items():
            if stamp != self._seen.get(model) or asyncio.get_running_loop().time() >= self._again.get(model, float("inf")):
                self._again.pop(model, None)
                self._seen[model] = stamp  # before the file is read: a change in between is seen at the next look
                await self._renew(model)

    async def _renew(self, model: str) -> None:
        installation = ""
        try:
            challenge = await self._readers.read(f"the challenge of {model}", partial(challenged, self._store, model))
            if challenge is None:
                return
            installation = challenge.installation
            deployment = await self._load(model, challenge)
        except Exception as error:
            if may_pass(error):
                self._again[model] = asyncio.get_running_loop().time() + TRY_AGAIN_AFTER
            elif not isinstance(error, SlipwayError):
                logger.exception("%s: the challenger cannot be loaded", model)
            self._loaded.pop(model, None)
            self._running.pop(model, None)
            self._fail(model, Failure(installation, str(error) if isinstance(error, SlipwayError) else f"{type(error).__name__}: {error}"))
            return
        self._loaded[model] = deployment, challenge.share
        self.pair(model)
        if model in self._running:
            how = f"answers {challenge.share:.1%} of the requests" if challenge.share else "answers in shadow"
            logger.info("%s version %s is the challenger and %s", model, deployment.contract.version, how)

    async def _load(self, model: str, challenge: Challenge) -> Deployment:
        pointer = Pointer(challenge.bundle, NO_PORT, challenge.installation, challenge.trusted)
        folder = self._store / model / challenge.bundle
        return await self._readers.read(f"bundle {folder.name} of {model}", lambda: load(folder, model, pointer, NO_PORT))

    def _withdraw(self, model: str) -> None:
        del self._seen[model]
        self._again.pop(model, None)
        self._failures.pop(model, None)
        self._running.pop(model, None)
        if loaded := self._loaded.pop(model, None):
            logger.info("%s version %s is no longer the challenger", model, loaded[0].contract.version)

    def _fail(self, model: str, failure: Failure) -> None:
        if failure != self._failures.get(model):
            logger.error("%s: challenger %s does not run: %s", model, failure.installation, failure.message)
        self._failures[model] = failure


def _pause(champion: Deployment, challenger: Deployment, share: float) -> str:
    ours, theirs = champion.contract, challenger.contract
    if (ours.version, ours.run_id) == (theirs.version, theirs.run_id):
        return f"it is paused, because version {ours.version} is in service itself. `slipway challenge {ours.model} --end` ends it."
    if why := mismatch(ours, theirs):
        return f"it is paused beside version {ours.version}: {why}"
    if share and theirs.sample and not ours.sample:
        return "it is paused, because it was trained on sample rows and must not answer real callers."
    return ""
