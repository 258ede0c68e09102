"""One release of a model at a time on this host; a killed holder frees the lock, because the operating system does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from slipway.errors import ReleaseInProgressError
from slipway.settings import Settings


@contextmanager
def exclusive(model: str, settings: Settings, patience: float = 0) -> Iterator[None]:
    """Hold the model's lock for the length of the block.

    Args:
        patience: Seconds to wait for it.
    Raises:
        ReleaseInProgressError: Somebody else holds it.
    """
    folder = settings.home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / f"{model}.lock", timeout=patience):
            yield
    except Timeout:
        raise ReleaseInProgressError(
            f"{model}: another release or rollback of this model is running here; wait until it ended (see the run page), then try again."
        ) from None
