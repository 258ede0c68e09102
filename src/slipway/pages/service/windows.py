"""Windows of the journal in the shape of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.pages.service.shapes import JudgedWindow

if TYPE_CHECKING:
    from slipway.monitoring.findings import Window


def judged_window(window: Window) -> JudgedWindow:
    """Return a window as a page shows it: of drift the farthest column, of outcomes the model's metric."""
    found, drift = window.performance, window.drift
    farthest = max(drift.all, key=lambda one: one.distance / one.threshold, default=None) if drift else None
    return JudgedWindow(
        number=window.number,
        kind=window.kind,
        first=window.first.isoformat(),
        last=window.last.isoformat(),
        rows=window.rows,
        judged=window.judged,
        bad=window.bad,
        reason=window.reason,
        farthest=farthest.column if farthest else "",
        multiple=farthest.distance / farthest.threshold if farthest else None,
        drifted=drift.drifted if drift else [],
        figure=found.figure if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        registered=found.registered if found else None,
        floor=found.floor if found else None,
    )
