"""Which columns the model leans on."""

from __future__ import annotations

from pathlib import Path

from slipway.rendering.picture import bars, height_of, picture
from slipway.training.evidence.importance import Importance


def importance(path: Path, found: list[Importance], metric: str, title: str) -> None:
    """Draw how much the metric falls when a column is shuffled, with one standard deviation over the repeats."""
    with picture(path, title, height_of(len(found))) as axes:
        bars(axes, [item.column for item in found], [item.mean for item in found], [item.deviation for item in found])
        axes.set_xlabel(f"fall of {metric} when the column is shuffled")
