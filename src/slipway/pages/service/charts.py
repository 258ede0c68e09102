"""Small charts as coordinates, for the macro of `templates/service/charts.html`, which draws them as SVG.

A chart has a title, a sentence that says what it shows, and the same numbers as a table, so that nobody needs to see it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 420, 190
LEFT, RIGHT, TOP, BOTTOM = 56, 10, 12, 26  # margins, for the numbers of the axes
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Tick:
    """A number of an axis, at its place."""

    at: float
    label: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """A point, with its interval if it has one, and what a pointer over it shows. `kind` is a class of the style sheet."""

    x: float
    y: float
    words: str
    kind: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through points; `points` as SVG's polyline takes them. `words` explain it in the key. `kind` is a class of the style sheet."""

    points: str
    words: str
    kind: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: what it says in words, what is drawn, and the same as a table."""

    id: str
    title: str
    summary: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    marks: Sequence[ChartPoint] = ()
    curves: Sequence[Curve] = ()
    x_ticks: Sequence[Tick] = ()
    y_ticks: Sequence[Tick] = ()
    key: Sequence[tuple[str, str]] = field(default=())
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale: numbers from `low` to `high` are drawn from `begin` to `end`."""

    low: float
    high: float
    begin: float
    end: float

    def at(self, number: float) -> float:
        """Return the place of a number; one beyond the scale is drawn at its end."""
        share = (min(max(number, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.begin + share * (self.end - self.begin), 1)


def across(low: float, high: float) -> Axis:
    """Return an axis of the whole width. A single number is in the middle."""
    if low == high:
        low, high = low - 1, high + 1
    return Axis(low, high, LEFT + 6, WIDTH - RIGHT - 6)


def upward(numbers: Sequence[float], *, from_zero: bool) -> Axis:
    """Return an axis of the whole height that all numbers fit into."""
    low, high = 0.0 if from_zero else min(numbers), max(numbers)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return Axis(low if from_zero else low - room, high + room, HEIGHT - BOTTOM, TOP)


def round_numbers(axis: Axis, most: int = 4) -> list[float]:
    """Return round numbers on an axis, at most so many and evenly apart."""
    least = (axis.high - axis.low) / most
    power = 10.0 ** math.floor(math.log10(least))
    step = next(step * power for step in STEPS if step * power >= least * 0.999)
    first = math.ceil(axis.low / step - 1e-9)
    return [round(number * step, 10) for number in range(first, math.floor(axis.high / step + 1e-9) + 1)]


def through(points: Sequence[tuple[float, float]], words: str, kind: str) -> Curve:
    return Curve(" ".join(f"{x:g},{y:g}" for x, y in points), words, kind)
