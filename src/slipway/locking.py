"""One release of a model at a time on this host; a killed holder frees the lock, because the operating system does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from slipway.errors import ReleaseInProgressError
from slipway.settings import Settings


@contextmanager
def exclusive(model: str, settings: Settings) -> Iterator[None]:
    """Hold the model's lock for the length of the block.

    Raises:
        ReleaseInProgressError: Somebody else holds it; nothing was waited for.
    """
    folder = settings.home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / f"{model}.lock", timeout=0):
            yield
    except Timeout:
        raise ReleaseInProgressError(
            f"{model}: another release or rollback of this model is running here; wait until it ended (see the run page), then try again."
        ) from None
