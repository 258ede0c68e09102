"""How the releases of several models ended."""

from __future__ import annotations

from typing import Literal

from slipway.records.base import Record


class FleetEntry(Record):
    """How the release of one model of a fleet ended; `figure` is the spec's metric on the test rows."""

    model: str
    outcome: Literal[
        "promoted", "challenging", "refused", "rejected", "dry run", "needs approval", "wrong file", "held", "nothing new", "failed"
    ]
    version: int | None
    metric: str
    figure: float | None
    message: str


class Fleet(Record):
    """How the releases of several models ended."""

    entries: list[FleetEntry]
