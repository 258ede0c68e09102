"""Whether a version has become worse slowly: windows that are taken together show a fall that is too small for any one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

from slipway.monitoring.findings import MeanError, Performance, Window
from slipway.spec.watch import Watch

Interval = tuple[float, float]
WithFigures = Sequence[tuple[Window, Performance]]

# Of windows together, which are looked at again with every new one. docs/decisions/0031-watch.md has how often that is wrong
LEVEL = 0.999
WIDER = NormalDist().inv_cdf((1 + LEVEL) / 2) / NormalDist().inv_cdf(0.975)  # than 95 % intervals, as the windows have


def fall(now: float, of_now: Interval, before: float, of_before: Interval, *, wider: float = 1.0) -> Interval:
    """Return the 95 % interval of `now - before`, the difference of two independent figures, from the interval of each.

    Zou and Donner, Construction of confidence limits about effect measures: a general approach, Statistics in Medicine 27 (2008),
    1693-1702. For two proportions with Wilson's intervals it is Newcombe's method 10.

    Args:
        wider: How many times as far the interval reaches, for another level.
    """
    difference = now - before
    down = sqrt((now - of_now[0]) ** 2 + (of_before[1] - before) ** 2)
    up = sqrt((of_now[1] - now) ** 2 + (before - of_before[0]) ** 2)
    return difference - wider * down, difference + wider * up


class Figure(NamedTuple):
    """A figure of so many rows, with its 95 % interval."""

    rows: int
    value: float
    low: float
    high: float

    @property
    def interval(self) -> Interval:
        return self.low, self.high

    def __str__(self) -> str:
        return f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})"


@dataclass(frozen=True, slots=True)
class SlowFall:
    """The windows that show it together, oldest first, and the words for it."""

    windows: Sequence[Window]
    words: str


def slow_fall(windows: Sequence[Window], plan: Watch) -> SlowFall | None:
    """Return how the last windows of outcomes together, two to `plan.of`, are worse than before; None if they are not.

    Before is the test rows, and the version's first `plan.of` windows as far as they are not among the last. A window that is bad by
    itself is left out on both sides, because it counts for the alarm that takes `plan.needed` of them. Two questions are asked, as of a
    column that drifts:

    - Is it far enough? The figure fell by more than the gate's tolerance.
    - Is it more than chance? The interval of the fall, at `LEVEL`, does not reach zero. Or, of a regression, the interval of the change
      of the mean error does not: where all outcomes move to one side, it shows that with far fewer rows than the figure.

    Args:
        windows: Windows of one version, oldest first, both kinds.
    """
    known = [(window, window.performance) for window in windows if window.judged and not window.season and window.performance]
    known = [(window, one) for window, one in known if one.metric == known[-1][1].metric]  # the model's file may name another now
    for count in range(2, min(plan.of, len(known)) + 1):  # the fewest that show it, so that none before the change is named
        last, first = _mild(known[-count:]), _mild(known[:-count][: plan.of])
        if words := _fallen(last, first):
            return SlowFall([window for window, _ in last], words)
    return None


def _fallen(last: WithFigures, first: WithFigures) -> str:
    """Return in words that the last windows together are worse than the test rows and the first ones; "" if they are not."""
    if len(last) < 2 or not (around := last[-1][1].registered_interval):  # windows of an earlier version of Slipway do not have it
        return ""
    latest = last[-1][1]
    now, before = together(_figures(last)), together([Figure(latest.registered_rows, latest.registered, *around), *_figures(first)])
    if (before.value - now.value) * (-1 if latest.lower_is_better else 1) <= latest.tolerance:
        return ""
    least, most = fall(now.value, now.interval, before.value, before.interval, wider=WIDER)
    moved = _moved(last, first)
    if not moved and least <= 0 <= most:
        return ""
    of = "the test rows" + (f" and in {len(first)} earlier window{'s' * (len(first) > 1)}" if first else "")
    words = f"the last {len(last)} windows together were less right than before, which none of them shows alone: "
    return f"{words}{latest.metric} {now} in {now.rows:,} outcomes, {before} on {of}{moved}"


def together(figures: Sequence[Figure]) -> Figure:
    """Return the figure of independent samples together: the mean, each with the weight of its rows.

    For a mean of rows, such as accuracy or an absolute error, this is the figure of all rows. For others it is near it.
    """
    rows = sum(one.rows for one in figures)
    value = sum(one.rows * one.value for one in figures) / rows
    down = sqrt(sum((one.rows * (one.value - one.low)) ** 2 for one in figures)) / rows
    up = sqrt(sum((one.rows * (one.high - one.value)) ** 2 for one in figures)) / rows
    return Figure(rows, value, value - down, value + up)


def _mild(windows: WithFigures) -> WithFigures:
    """Return the windows that are not bad by themselves."""
    return [(window, one) for window, one in windows if not one.worse and not one.below_floor]


def _figures(windows: WithFigures) -> list[Figure]:
    return [Figure(window.rows, one.figure, one.low, one.high) for window, one in windows]


def _moved(last: WithFigures, first: WithFigures) -> str:
    """Return in words that the mean error changed by more than chance explains; "" if it did not, or if there is none."""
    ours, theirs = _mean_errors(last), _mean_errors(first)
    if len(ours) < 2:
        return ""
    latest = ours[-1][1]
    registered = Figure(last[-1][1].registered_rows, latest.registered, latest.registered_low, latest.registered_high)
    now, before = (together(figures) for figures in (_centres(ours), [registered, *_centres(theirs)]))
    least, most = fall(now.value, now.interval, before.value, before.interval, wider=WIDER)
    if least <= 0 <= most:
        return ""
    return f"; on average the outcomes are {_side(now.value)} the answers, and were {_side(before.value)} before"


def _mean_errors(windows: WithFigures) -> list[tuple[Window, MeanError]]:
    return [(window, one.mean_error) for window, one in windows if one.mean_error]


def _centres(windows: Sequence[tuple[Window, MeanError]]) -> list[Figure]:
    return [Figure(window.rows, one.figure, one.low, one.high) for window, one in windows]


def _side(value: float) -> str:
    return f"{abs(value):.4f} {'above' if value >= 0 else 'below'}"
