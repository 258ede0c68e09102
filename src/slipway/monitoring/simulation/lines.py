"""A picture of a simulated course: the figure of each window, with the loop on, with it off, and of an oracle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slipway.monitoring.simulation.course import Plan, WindowFigures
from slipway.rendering.picture import picture
from slipway.spec import ModelSpec

WIDTH, HEIGHT = 8.0, 4.4  # inches
OLD = 0.6  # of the height: where the words about a release begin


def draw_lines(path: Path, spec: ModelSpec, plan: Plan, found: Sequence[WindowFigures], *, loop: bool) -> None:
    """Draw three lines, with a mark where the drift begins, and one for each release. The ending of the path names the format.

    Args:
        loop: Whether the answers of the endpoint are those of a model that learnt; if not, they are those of the first version.
    """
    numbers = [one.number for one in found]
    title = f"{spec.name}: {plan.drift} drift of {plan.size:g}, {spec.metric} of each window of {spec.watch.rows:,} rows"
    with picture(path, title, HEIGHT, WIDTH) as axes:
        axes.plot(numbers, [one.oracle for one in found], ":", color="dimgrey", label="oracle, which knows all outcomes")
        axes.plot(numbers, [one.first for one in found], "--o", color="tab:red", markersize=4, label="loop off: the first version")
        if loop:
            axes.plot(numbers, [one.answered for one in found], "-o", color="tab:blue", label="loop on: what the endpoint answered")
        if plan.drifts(plan.windows):
            axes.axvline(plan.begins - 0.5, color="black", linewidth=0.8)
            axes.annotate(" drift begins", (plan.begins - 0.5, 0.95), xycoords=("data", "axes fraction"), fontsize=8)
        for one in found:
            if one.release:
                at = one.number + 0.5
                axes.axvline(at, color="tab:green" if one.release == "promoted" else "silver", linewidth=0.8, linestyle="-.")
                words = (f" {one.release}", (at, OLD))
                axes.annotate(*words, xycoords=("data", "axes fraction"), fontsize=7, rotation=90, color="dimgrey")
        axes.set_xlabel("window")
        axes.set_ylabel(spec.metric)
        axes.set_xticks(numbers)
        axes.tick_params(labelsize=8)
        axes.legend(fontsize=8, loc="best")
