"""One release of a model at a time on this host. The operating system frees the locks of a killed process.

There are two locks, because a release that waits for approval must not hold up a rollback: `releasing` keeps a second release from
beginning; `exclusive` protects the model's versions and its service, and can be lent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from slipway.errors import LockNotReturnedError, ReleaseInProgressError, SimulationError, WatchError
from slipway.files.storage import storage_at_fault
from slipway.settings import Settings

RETURNED_WITHIN = 120.0  # seconds; a rollback or a challenge takes a few
WATCHED_WITHIN = 600.0


class Held:
    """A model's lock, for its holder to lend."""

    def __init__(self, model: str, lock: FileLock) -> None:
        self._model, self._lock = model, lock

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Release the lock for the length of the block, then take it again, as soon as no other process holds it.

        Raises:
            LockNotReturnedError: Another process still holds it after `RETURNED_WITHIN` seconds.
        """
        self._lock.release()
        yield
        try:
            self._lock.acquire(timeout=RETURNED_WITHIN)
        except Timeout:
            raise LockNotReturnedError(
                f"{self._model}: a rollback that began while this release waited has not ended within {RETURNED_WITHIN:.0f} s. "
                "See the run page, then release again."
            ) from None


@contextmanager
def exclusive(model: str, settings: Settings, patience: float = 0) -> Iterator[Held]:
    """Hold the model's lock for the length of the block: no other process changes its versions or its service.

    Args:
        patience: Seconds to wait for it.
    Raises:
        ReleaseInProgressError: Another process holds it.
    """
    busy = f"{model}: another release or rollback of this model is running here; wait until it ends (see the run page), then try again."
    with _taken(model, settings, busy, patience) as lock:
        yield Held(model, lock)


@contextmanager
def releasing(model: str, settings: Settings) -> Iterator[None]:
    """Keep a second release of the model from beginning, even while the first waits for approval and has lent the model's lock.

    Raises:
        ReleaseInProgressError: Another release is running or waiting.
    """
    busy = (
        f"{model}: another release of this model is running here, or waits for approval (see `slipway approvals`). "
        f"Decide with `slipway approve {model}` or `slipway reject {model}`, or wait until it ends; then try again."
    )
    with _taken(f"{model}.release", settings, busy):
        yield


@contextmanager
def watching(model: str, settings: Settings) -> Iterator[None]:
    """Keep two runs of the watch from judging the same windows: the second waits for the first.

    Raises:
        WatchError: The first has not ended within ten minutes.
    """
    try:
        with _taken(f"{model}.watch", settings, "", WATCHED_WITHIN):
            yield
    except ReleaseInProgressError:
        raise WatchError(
            f"{model}: another watch of this model is running and has not ended within ten minutes; see the run page, then try again."
        ) from None


@contextmanager
def simulating(settings: Settings) -> Iterator[None]:
    """Keep two simulations apart, because both use the same key.

    Raises:
        SimulationError: Another simulation is running.
    """
    try:
        with _taken("simulation", settings, ""):
            yield
    except ReleaseInProgressError:
        raise SimulationError("another simulation is running here; wait until it ends, then try again.") from None


@contextmanager
def _taken(name: str, settings: Settings, busy: str, patience: float = 0) -> Iterator[FileLock]:
    """Hold a lock for the length of the block. If the disk or a database ends the block, the error names it."""
    folder = settings.home / "locks"
    with _storage_named(settings):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{name}.lock")
        try:
            lock.acquire(timeout=patience)
        except Timeout:
            raise ReleaseInProgressError(busy) from None
        try:
            yield lock
        finally:
            lock.release()


@contextmanager
def _storage_named(settings: Settings) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if found := storage_at_fault(error, settings.home):
            raise found from error
        raise
