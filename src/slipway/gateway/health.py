"""Whether the gateway lives, and whether it is ready: every installed model is loaded, and the audit log can be written."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from slipway.gateway.replies import Reply, as_json
from slipway.gateway.versions.fleet import ServedFleet

LEAST_BYTES = 32 * 1024 * 1024  # free on the disk of the audit log; with less, its next lines may be lost
FRESH = 1.0

Check = Callable[[], str | None]


class Health:
    """What `/health/live` and `/health/ready` answer. A check returns what is wrong, or None."""

    def __init__(self, fleet: ServedFleet, blocking: list[Check], warning: list[Check]) -> None:
        self._fleet, self._blocking, self._warning = fleet, blocking, warning
        self._looked, self._found = float("-inf"), (list[str](), list[str]())

    def live(self) -> Reply:
        """Answer as long as the event loop turns. A supervisor restarts a process that does not answer."""
        return as_json({"status": "live"})

    def ready(self) -> Reply:
        """Return 200, or 503 with the reasons, so that a load balancer sends requests elsewhere."""
        reasons, warnings = self.reasons()
        body = {"status": "not ready" if reasons else "ready", "reasons": reasons, "warnings": warnings}
        return Reply(503 if reasons else 200, msgspec.json.encode(body))

    def reasons(self) -> tuple[list[str], list[str]]:
        """Return why the gateway is not ready, and the warnings. The checks run once a second at most."""
        now = time.monotonic()
        if now - self._looked > FRESH:
            blocking = [*self._models(), *filter(None, (check() for check in self._blocking))]
            self._looked, self._found = now, (blocking, [*self._failed(), *filter(None, (check() for check in self._warning))])
        return self._found

    def _models(self) -> list[str]:
        missing = [model for model in self._fleet.models() if self._fleet.find(model) is None]
        return [f"{model} {'could not be loaded' if self._fleet.failed(model) else 'is being loaded'}" for model in missing]

    def _failed(self) -> list[str]:
        """Return warnings only: while an older version answers, a version that failed is no reason to send callers away."""
        models = [model for model in self._fleet.models() if self._fleet.failed(model) and self._fleet.find(model)]
        failed = [f"{model}: its latest installation failed; the version before it answers" for model in models]
        return [*failed, *(f"{model}: {why}" for model, why in self._fleet.altered().items())]


def writable(folder: Path) -> Check:
    """Return a check that the log can grow in a folder: it is writable, and its disk has 32 MB left."""

    def check() -> str | None:
        if not os.access(folder, os.W_OK):
            return f"the audit log's folder {folder.name} cannot be written"
        try:
            free = shutil.disk_usage(folder).free
        except OSError as error:
            return f"the audit log's folder {folder.name} cannot be read ({error.strerror})"
        return None if free >= LEAST_BYTES else f"the audit log's disk has {free // 2**20} MB left, less than {LEAST_BYTES // 2**20}"

    return check


def in_place(path: Path, mend: str) -> Check:
    """Return a check that a file is the one that was there before, from the first look that finds one.

    Args:
        mend: What a person does about it, a sentence.
    """
    known: list[tuple[int, int]] = []

    def check() -> str | None:
        try:
            found = path.stat()
        except FileNotFoundError:
            return f"{path.name} was removed. {mend}" if known else None
        except OSError as error:
            return f"{path.name} cannot be read ({error.strerror})"
        identity = (found.st_dev, found.st_ino)
        if not known:
            known.append(identity)
        return None if identity in known else f"{path.name} was replaced by another file. {mend}"

    return check
