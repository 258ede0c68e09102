"""A plot of champion and challenger on the same rows."""

from __future__ import annotations

from pathlib import Path

from slipway.comparison.report import effects
from slipway.records import Paired
from slipway.rendering.picture import height_of, picture


def paired_differences(path: Path, found: Paired, title: str) -> None:
    """Draw the differences of the figures, each with its 95 % interval, and a line at no difference.

    What is better for the challenger is on the right, so the axis of an error is turned round.
    """
    shown = effects(found)[::-1]  # from the bottom up
    with picture(path, title, height_of(2 * len(shown))) as axes:
        for place, effect in enumerate(shown):
            better = -1 if effect.lower_is_better else 1
            axes.plot([better * effect.low, better * effect.high], [place, place], color="tab:blue", linewidth=2)
            axes.plot(better * effect.difference, place, "o", color="tab:blue")
            axes.annotate(
                f"{effect.difference:+.4f}",
                (better * effect.difference, place),
                (0, 7),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
        axes.axvline(0, color="grey", linewidth=0.8)
        axes.set_yticks(range(len(shown)), [effect.figure for effect in shown], fontsize=8)
        axes.set_ylim(-0.6, len(shown) - 0.4)
        axes.set_xlabel("champion better  <   challenger less champion   >  challenger better", fontsize=8)
