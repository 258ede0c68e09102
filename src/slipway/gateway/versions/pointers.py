"""How the gateway follows the small files of the bundle store: which changed, how their bundle is loaded, and which failed."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.bundle.contract import MANIFEST
from slipway.bundle.store.active import Pointer
from slipway.files.readers import HangingError

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment

LOOK_EVERY = 0.1
HOLD_UP = 2.0  # seconds that one model may hold up the next; then it goes on beside it
TRY_AGAIN_AFTER = 5.0
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Failure:
    """An installation that could not be put into service, and why. `installation` is empty if the pointer is unreadable."""

    installation: str
    message: str


def exhausted(error: BaseException) -> bool:
    """Return whether no file descriptor was free."""
    return isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)


def may_pass(error: BaseException | None) -> bool:
    """Return whether the same load may succeed later: the system had no descriptors or memory left, or a file could not be read."""
    while error is not None:
        if isinstance(error, OSError | MemoryError | ImportError | HangingError):
            return True
        error = error.__cause__ or error.__context__
    return False


def stamps(store: Path, name: str) -> dict[str, Stamp]:
    """Return a stamp of each model's file of this name, which changes with the file. It costs one `stat` a model."""
    if not store.exists():
        return {}
    found = {}
    with os.scandir(store) as entries:
        for entry in entries:
            try:
                pointer = os.stat(os.path.join(entry.path, name))
            except (FileNotFoundError, NotADirectoryError):
                continue
            found[entry.name] = (pointer.st_ino, pointer.st_mtime_ns, pointer.st_size)
    return found


def bundle_stamp(folder: Path) -> tuple[Stamp, Stamp] | None:
    """Return a stamp that changes when a file of a bundle is removed or replaced; None if there is no bundle."""
    try:
        found = [os.stat(path) for path in (folder, folder / MANIFEST)]
    except (FileNotFoundError, NotADirectoryError):
        return None
    one, other = [(stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in found]
    return one, other


def load(folder: Path, model: str, pointer: Pointer, port: int) -> Deployment:
    """Load a bundle. The first one imports the engines, in its own thread, so that the gateway answers `/ping` meanwhile."""
    from slipway.bundle import deployment

    return deployment.load(folder, model, pointer, port)
