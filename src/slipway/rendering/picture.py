"""A picture with axes and a title, written after it is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DPI = 110


@contextmanager
def picture(path: Path, title: str, height: float = 4.2, width: float = 5.2) -> Iterator[Any]:
    """Give matplotlib axes to draw on, and write them as a PNG afterwards.

    The figure is made without pyplot, whose figures and style belong to the whole process: releases may run at the same time.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(width, height), dpi=DPI)
    axes = figure.subplots()
    yield axes
    axes.set_title(title, fontsize=9)
    ConstrainedLayoutEngine().execute(figure)  # a figure with a layout of its own would be drawn twice
    figure.savefig(path)


def bars(axes: Any, names: list[str], values: list[float], deviations: list[float] | None = None) -> None:
    """Draw horizontal bars, the first on top, with whiskers of one standard deviation if they are given."""
    axes.barh(names, values, xerr=deviations, color="tab:blue", ecolor="dimgrey", capsize=2)
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelsize=8)
    axes.axvline(0, color="grey", linewidth=0.8)


def height_of(bars: int) -> float:
    """Return a height in inches with a line for each bar."""
    return max(2.4, 1.2 + 0.24 * bars)
