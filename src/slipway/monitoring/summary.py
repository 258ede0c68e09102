"""The result of a watch as Markdown, for people."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from slipway.comparison.report import paired_lines
from slipway.monitoring.findings import WatchReport, Window
from slipway.rendering.markdown import number, table
from slipway.spec import ModelSpec

LAST = 10  # windows in the table


def watch_report(spec: ModelSpec, report: WatchReport, windows: Sequence[Window], picture: bytes | None, links: Sequence[str]) -> str:
    """Return the verdict, the latest windows as a table, the trend as an inline picture, and the columns of the latest window.

    Args:
        windows: All windows of the version, oldest first.
        picture: The trend, a PNG; None before the first window.
        links: Markdown links to more details.
    """
    return "\n".join(
        [
            f"# {spec.name}, version {report.version}: {report.state}",
            "**Trained on sample rows: not for use on patients or customers.**\n" if report.sample else "",
            f"{report.reason}.\n",
            f"Waiting for the next window: {report.waiting:,} served rows and {report.waiting_outcomes:,} outcomes; "
            f"a window takes {spec.watch.rows:,} of either, or {spec.watch.days:g} days.\n",
            *([f"**Alarms are switched off:** {report.frozen}\n"] if report.frozen else []),
            *([f"![Distances and figures by window](data:image/png;base64,{base64.b64encode(picture).decode()})\n"] if picture else []),
            *(["## The latest windows\n", *window_table(windows)] if windows else []),
            *_columns(windows),
            *_slices(windows),
            *_challenger(report),
            *(["\n## More\n", *[f"- {link}" for link in links]] if links else []),
        ]
    )


def window_table(windows: Sequence[Window]) -> list[str]:
    """Return the latest windows, newest first, as a Markdown table."""
    header = ["window", "of", "from", "to", "rows", "bad", "result"]
    return table(header, [list(row) for row in window_rows(windows[-LAST:])])


def window_rows(windows: Sequence[Window]) -> list[tuple[str, ...]]:
    """Return one row of texts for each window, newest first: number, kind, first and last time, rows, whether it is bad, the result."""
    return [
        (
            str(window.number),
            window.kind,
            f"{window.first:%Y-%m-%d %H:%M}",
            f"{window.last:%Y-%m-%d %H:%M}",
            f"{window.rows:,}",
            _yes(window.bad) if window.judged else "not judged",
            window.reason,
        )
        for window in reversed(windows)
    ]


def _columns(windows: Sequence[Window]) -> list[str]:
    latest = next((window for window in reversed(windows) if window.drift), None)
    if latest is None or latest.drift is None:
        return []
    found = latest.drift.all
    lines = [
        [one.column, one.distance_by, number(one.distance), f"{one.threshold:g}", one.test, f"{one.p_value:.2g}", _yes(one.drifted)]
        for one in sorted(found, key=lambda one: one.distance / one.threshold, reverse=True)
    ]
    header = ["column", "distance", "value", "threshold", "test", "p", "drifted"]
    return [f"\n## Columns of window {latest.number}\n", *table(header, lines)]


def _slices(windows: Sequence[Window]) -> list[str]:
    latest = next((window for window in reversed(windows) if window.performance), None)
    if latest is None or latest.performance is None:
        return []
    found = latest.performance
    lines = [
        ["all", str(latest.rows), number(found.figure), _interval(found.low, found.high), number(found.registered), _yes(found.worse)],
        *[
            [part.name, str(part.rows), number(part.figure), _interval(part.low, part.high), number(part.registered), _yes(part.worse)]
            for part in found.slices
        ],
    ]
    heading = f"\n## {found.metric} by outcomes, window {latest.number}\n"
    change = "rise" if found.lower_is_better else "fall"
    note = f"The floor is {found.floor:g}. Worse: the {change} is larger than chance in the outcomes and in the test rows explains.\n"
    return [heading, note, *table(["slice", "rows", found.metric, "95 % interval", "on test rows", "worse"], lines)]


def _challenger(report: WatchReport) -> list[str]:
    if report.challenger is None:
        return []
    heading = f"\n## Challenger, version {report.challenger}\n"
    return [heading, *(paired_lines(report.paired) if report.paired else ["No outcome is known yet for a row that both answered.\n"])]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.4f} to {high:.4f}"
