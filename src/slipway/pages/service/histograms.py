"""The cells of a column among the training rows and in a window, beside each other, as coordinates of bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.monitoring.findings import ColumnShares

WIDTH, HEIGHT = 320, 84
ROW = 22  # height of a value of a category
NAMES = 120  # width of their names
LONGEST = 18  # characters of a name in a picture


@dataclass(frozen=True, slots=True)
class HistogramBar:
    """A bar. `kind` is then or now."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class HistogramLabel:
    """A text in the picture."""

    x: float
    y: float
    words: str
    anchor: str


@dataclass(frozen=True, slots=True)
class ColumnPicture:
    """Bars of both, the texts beside them, and what they show in words."""

    id: str
    summary: str
    bars: Sequence[HistogramBar]
    labels: Sequence[HistogramLabel]
    height: float
    width: float = WIDTH


def histogram(found: ColumnShares, id: str) -> ColumnPicture:
    """Return the picture: numbers from left to right, values of a category below each other."""
    pairs = list(zip(found.labels, found.then, found.now, strict=True))
    name, then, now = max(pairs, key=lambda pair: abs(pair[2] - pair[1]))
    summary = f"{found.column}: the largest change is in {name}, from {then:.0%} of the training rows to {now:.0%} of the served rows."
    return _values(found, id, summary) if found.categories else _numbers(found, id, summary)


def _numbers(found: ColumnShares, id: str, summary: str) -> ColumnPicture:
    most = max(*found.then, *found.now) or 1.0
    step, tall = WIDTH / len(found.labels), HEIGHT - 18
    bars = []
    for place, pair in enumerate(zip(found.then, found.now, strict=True)):
        for kind, share, shift in zip(("then", "now"), pair, (0.1, 0.5), strict=True):
            height = round(share / most * tall, 1)
            bars.append(HistogramBar(round((place + shift) * step, 1), round(tall - height, 1), round(step * 0.4, 1), height, kind))
    first, last = found.labels[0].partition(" to ")[0], found.labels[-1].partition(" to ")[2]
    return ColumnPicture(
        id, summary, bars, [HistogramLabel(0, HEIGHT - 4, first, "start"), HistogramLabel(WIDTH, HEIGHT - 4, last, "end")], HEIGHT
    )


def _values(found: ColumnShares, id: str, summary: str) -> ColumnPicture:
    most = max(*found.then, *found.now) or 1.0
    room = WIDTH - NAMES - 8
    bars, labels = [], []
    for place, (name, *pair) in enumerate(zip(found.labels, found.then, found.now, strict=True)):
        short = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        labels.append(HistogramLabel(NAMES - 6, place * ROW + 14, short, "end"))
        for kind, share, shift in zip(("then", "now"), pair, (2, 10), strict=True):
            bars.append(HistogramBar(NAMES, place * ROW + shift, round(share / most * room, 1), 8, kind))
    return ColumnPicture(id, summary, bars, labels, len(found.labels) * ROW)
