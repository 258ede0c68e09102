"""A plot of the windows of a model: the distance of each column from the training rows, and the metric by outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from slipway.monitoring.findings import ColumnDrift, Window
from slipway.spec import ModelSpec

DPI = 110
NAMED = 8  # columns that drifted, the farthest first, have a colour and a name of their own


def trend(windows: Sequence[Window], spec: ModelSpec) -> bytes:
    """Return a PNG: the distances over the windows of served rows, and, if there are windows of outcomes, the metric over those.

    A distance is drawn as a multiple of its column's threshold, because columns may have different thresholds. A dot is drift: the
    distance reaches the threshold, and the test agrees. The metric is drawn with its 95 % interval; a filled dot is worse.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    served = [window for window in windows if window.drift]
    known = [window for window in windows if window.performance]
    figure = Figure(figsize=(7.2, 3.6 if not known else 5.8), layout="constrained")
    parts = figure.subplots(2 if known else 1, squeeze=False).flatten()
    _distances(parts[0], served)
    parts[0].set_title(f"{spec.name}: distance from the training rows", fontsize=9)
    if known:
        _metric(parts[1], known)
        parts[1].set_title(f"{spec.metric}, by outcomes", fontsize=9)
    for part, drawn in zip(parts, (served, known), strict=False):
        part.xaxis.set_major_locator(MaxNLocator(integer=True))
        part.tick_params(labelsize=8)
        if not drawn:
            part.text(0.5, 0.5, "no window has been judged yet", ha="center", transform=part.transAxes)
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=DPI)
    return picture.getvalue()


def _distances(axes: Any, windows: Sequence[Window]) -> None:
    lines: dict[str, list[tuple[int, ColumnDrift]]] = {}
    for window in windows:
        for found in window.drift.all if window.drift else []:
            lines.setdefault(found.column, []).append((window.number, found))
    drifted = {name: max(_multiple(found) for _, found in line if found.drifted) for name, line in lines.items() if _ever(line)}
    named = sorted(drifted, key=drifted.__getitem__, reverse=True)[:NAMED]
    for name, line in sorted(lines.items(), key=lambda item: item[0] in named):
        style = {"label": name} if name in named else {"color": "silver", "linewidth": 0.8}
        (drawn,) = axes.plot([at for at, _ in line], [_multiple(found) for _, found in line], **style)
        axes.plot(
            [at for at, found in line if found.drifted],
            [_multiple(found) for _, found in line if found.drifted],
            "o",
            color=drawn.get_color(),
        )
    axes.axhline(1.0, color="tab:red", linestyle="--", linewidth=1)
    axes.set(xlabel="window of served rows", ylabel="distance / threshold", ylim=(0, None))
    if named:
        axes.legend(fontsize=7, loc="upper left")


def _ever(line: Sequence[tuple[int, ColumnDrift]]) -> bool:
    return any(found.drifted for _, found in line)


def _multiple(found: ColumnDrift) -> float:
    return found.distance / found.threshold


def _metric(axes: Any, windows: Sequence[Window]) -> None:
    measured = [(window.number, window.performance) for window in windows if window.performance]
    for number, found in measured:
        axes.plot([number, number], [found.low, found.high], color="tab:blue", linewidth=1.2)
        axes.plot(number, found.figure, "o", color="tab:blue", markerfacecolor="tab:red" if found.worse else "white")
    numbers = [number for number, _ in measured]
    axes.plot(numbers, [found.registered for _, found in measured], color="grey", linestyle=":", marker="_", label="at registration")
    axes.plot(numbers, [found.floor for _, found in measured], color="tab:red", linestyle="--", marker="_", label="floor of the gate")
    axes.set(xlabel="window of outcomes")
    axes.legend(fontsize=7, loc="lower left")
