"""The bundle store's small files as the gateway looks at them: what changed, what could not be put into service, and how it is loaded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.bundle.store.active import Pointer

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment

LOOK_EVERY = 0.1
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Failure:
    """The installation that could not be put into service, and why; `installation` is empty when the pointer itself is unreadable."""

    installation: str
    message: str


def stamps(store: Path, name: str) -> dict[str, Stamp]:
    """Return what tells one state of a model's file of this name from another, by model; costs one `stat` a model."""
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


def load(folder: Path, model: str, pointer: Pointer, port: int) -> Deployment:
    """Import the engine with the first bundle, in that bundle's thread: the gateway answers `/ping` before it is there."""
    from slipway.bundle import deployment

    return deployment.load(folder, model, pointer, port)
