"""Which rows are judged together: rows in the order of time, cut when there are enough or when enough time has passed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from slipway.monitoring.findings import Window
from slipway.spec.watch import Watch

MOST = 20  # windows in one run of the watch; if more rows wait, windows are larger
DAY = 86_400.0


def cut(times: Sequence[datetime], plan: Watch, now: datetime) -> list[slice]:
    """Return the windows that are full or overdue; rows after the last one wait for more.

    Rows with the same time came in one request and stay together, so a window may have more than `plan.rows`.

    Args:
        times: (n,) times of the rows, ascending.
    """
    size, span = max(plan.rows, -(-len(times) // MOST)), timedelta(days=plan.days)
    found, start = [], 0
    while start < len(times):
        stop = _end(times, start, size, span)
        if stop - start < size and now - times[start] < span:
            break
        found.append(slice(start, stop))
        start = stop
    return found


def _end(times: Sequence[datetime], start: int, size: int, span: timedelta) -> int:
    stop = start
    while stop < len(times) and times[stop] - times[start] < span:
        if stop - start >= size and times[stop] != times[stop - 1]:
            break
        stop += 1
    return stop


def per_day(times: Sequence[datetime]) -> float | None:
    """Return how many rows came a day; None if they all came within a minute, which says nothing about a day."""
    seconds = (times[-1] - times[0]).total_seconds()
    return len(times) * DAY / seconds if seconds >= 60 else None


def volume(rate: float | None, before: Sequence[Window], plan: Watch) -> str:
    """Return in words how a window's rate differs from the median of earlier windows; "" if it hardly differs or cannot be compared."""
    rates = [window.per_day for window in before if window.per_day is not None]
    if rate is None or not rates:
        return ""
    usual = median(rates)
    if 1 / plan.volume < rate / usual < plan.volume:
        return ""
    return f"{rate:,.0f} rows a day instead of the usual {usual:,.0f}"
