"""The state of each worker, in a small file that the other workers read, so that any of them can answer for all.

A worker writes `<home>/gateway/workers/<number>.json` when a model changes and once a second. The parent removes it when the worker ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from slipway.files.replacing import replace
from slipway.gateway.metrics.counts import Counts
from slipway.gateway.versions.fleet import ServedFleet

FOLDER = Path("gateway") / "workers"
LOOK_EVERY, WRITE_EVERY = 0.05, 1.0
SWITCHING = "switching"

Error = dict[str, str]
Status = dict[str, Any]


class State(msgspec.Struct):
    """One worker: by model, the installation in service, the error, and the challenger's status; and the worker's counts.

    `locked` says until when which users may not try to sign in there, in Unix seconds.
    """

    installations: dict[str, str | None]
    errors: dict[str, Error]
    counts: Counts
    challengers: dict[str, Status] = {}
    locked: dict[str, float] = {}


class WorkerStates:
    """The states of all workers, as one of them sees them. A single worker writes no file."""

    def __init__(
        self,
        folder: Path,
        fleet: ServedFleet,
        counts: Callable[[], Counts],
        number: int = 0,
        workers: int = 1,
        locked: Callable[[], dict[str, float]] = dict,
    ) -> None:
        self._folder, self._fleet, self._counts, self._locked = folder, fleet, counts, locked
        self.number, self.workers = number, workers

    def switched(self, model: str, installation: str | None) -> bool:
        """Return whether all workers answer with this installation; None means that no worker answers for the model."""
        return all(found is not None and found.installations.get(model) == installation for found in self._all())

    def agreed(self, status: dict[str, Any]) -> dict[str, Any]:
        """Return a model's status for all workers: `installation` is "switching" while they differ, `error` is that of any worker.

        Args:
            status: The status of this worker, from `ServedFleet.status`.
        """
        if self.workers == 1:
            return status
        model, error = status["model"], status["error"]
        others = list(self._others())
        error = error or next((found.errors[model] for found in others if found and model in found.errors), None)
        same = all(found and found.installations.get(model) == status["installation"] for found in others)
        agreed = status | {"installation": status["installation"] if same else SWITCHING, "error": error}
        tried = [found.challengers.get(model) if found else None for found in others]
        return agreed | {"challenger": _agreed_challenger([status.get("challenger"), *tried])}

    def counts(self) -> dict[str, Counts]:
        """Return the counts of each worker by its number; those of other workers are up to a second old."""
        return {str(number): state.counts for number, state in enumerate(self._all()) if state is not None}

    def locked(self) -> dict[str, float]:
        """Return until when users may not try to sign in, in Unix seconds; what other workers say is up to a second old."""
        now, found = time.time(), dict[str, float]()
        for state in self._all():
            for name, until in state.locked.items() if state else ():
                if until > max(now, found.get(name, 0.0)):
                    found[name] = until
        return found

    async def follow(self) -> None:
        """Write this worker's state whenever it changes and once a second, until cancelled."""
        written, age = None, 0.0
        while self.workers > 1:
            state = self._own()
            if (now := (state.installations, state.errors, state.challengers)) != written or age >= WRITE_EVERY:
                await asyncio.to_thread(self._write, state)
                written, age = now, 0.0
            await asyncio.sleep(LOOK_EVERY)
            age += LOOK_EVERY
        await asyncio.Event().wait()

    def _own(self) -> State:
        models = self._fleet.models()
        found = {model: self._fleet.find(model) for model in models}
        installations = {model: deployment.installation if deployment else None for model, deployment in found.items()}
        errors = {model: self._fleet.status(model)["error"] for model in models if self._fleet.failed(model)}
        tried = {model: challenger for model in models if (challenger := self._fleet.challengers.status(model))}
        return State(installations, errors, self._counts(), tried, self._locked())

    def _all(self) -> Iterator[State | None]:
        for number in range(self.workers):
            yield self._own() if number == self.number else self._read(number)

    def _others(self) -> Iterator[State | None]:
        yield from (self._read(number) for number in range(self.workers) if number != self.number)

    def _read(self, number: int) -> State | None:
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode((self._folder / f"{number}.json").read_bytes(), type=State)
        return None

    def _write(self, state: State) -> None:
        replace(self._folder / f"{self.number}.json", msgspec.json.encode(state), private=True)


def _agreed_challenger(challengers: list[Status | None]) -> Status | None:
    """Return the challenger's status for all workers, as `agreed` does; None if no worker has one."""
    found = [challenger for challenger in challengers if challenger]
    if not found:
        return None
    error = next((challenger["error"] for challenger in found if challenger["error"]), None)
    same = all(challenger and challenger["installation"] == found[0]["installation"] for challenger in challengers)
    return found[0] | {"installation": found[0]["installation"] if same else SWITCHING, "error": error}


def forget(folder: Path, number: int) -> None:
    """Remove the state of a worker that ended."""
    (folder / f"{number}.json").unlink(missing_ok=True)
