"""When silence is an outage: reported once when it begins, and once when it is over."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

DOWN, UP = "slipway.service.down", "slipway.service.up"

Event = dict[str, Any]


@dataclass
class _Silence:
    since: float
    reported: bool = False


class Outages:
    """Whether each service answers, or since when it does not.

    Args:
        patience: Seconds of silence after which a service is down.
        starting: The same for a service that has not answered yet.
        clock: Seconds that never go back, and do not count while the machine sleeps.
    """

    def __init__(self, patience: float, starting: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience, self._starting, self._clock = patience, max(patience, starting), clock
        self._answered: set[str] = set()
        self._silent: dict[str, _Silence] = {}

    def look(self, name: str, reason: str) -> Event | None:
        """Note the result of one check; `reason` says why the service cannot be used, and is empty if it can.

        Returns:
            An event for Prefect's API, if the service counts as down from now on, or as up again.
        """
        now = self._clock()
        if not reason:
            self._answered.add(name)
            silence = self._silent.pop(name, None)
            return _event(UP, name, now - silence.since, "it answers again") if silence and silence.reported else None
        silence = self._silent.setdefault(name, _Silence(now))
        if silence.reported or now - silence.since < (self._patience if name in self._answered else self._starting):
            return None
        silence.reported = True
        return _event(DOWN, name, now - silence.since, reason)


def _event(name: str, service: str, seconds: float, reason: str) -> Event:
    return {
        "id": str(uuid.uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": name,
        "resource": {"prefect.resource.id": f"slipway.service.{service}", "prefect.resource.name": service},
        "related": [],
        "payload": {"reason": reason, "silent_seconds": round(seconds)},
    }
