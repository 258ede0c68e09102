"""The report of a watch: one page in English that needs nothing from the network. Verdict and what to do come first, then the numbers.

It is kept as a file, so its style sheet is inside, and it has no script and no link.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from slipway.pages.moments import moment
from slipway.pages.rendering import environment
from slipway.pages.service.histograms import ColumnPicture, histogram
from slipway.pages.service.trends import drift_chart, outcome_chart
from slipway.pages.service.windows import judged_window
from slipway.pages.service.words import figure_text, short_moment, with_interval
from slipway.pages.styles import style_sheet

if TYPE_CHECKING:
    from slipway.monitoring.findings import ColumnDrift, ColumnShares, Performance, WatchReport, Window
    from slipway.records import Paired

LAST = 20  # windows in the table
STATES = {
    "alarm": ("wrong", "an alarm was raised"),
    "held": ("warn", "an alarm is held back"),
    "suspect": ("warn", "something changed, and it is no alarm yet"),
    "unjudged": ("quiet", "nothing can be said yet"),
    "steady": ("good", "all is well"),
}
TO_DO = {
    "drift": (
        "Find out why the rows changed. A new unit, form, device or group of people shows in the columns below. Repair a broken source. "
        "If the change is real, train on newer rows: name them in the model's file, then release the model."
    ),
    "concept": (
        "Check that the outcomes are right and complete. If they are, what follows from the rows has changed: train on newer rows. "
        "Until then, warn the people who rely on the answers."
    ),
    "outcomes": (
        "The answers are worse than the gate accepts. Warn the people who rely on them, and consider a rollback. Check that the outcomes "
        "are right and complete. Then train on newer rows."
    ),
    "suspect": "Nothing yet. Look at the columns that drifted, or at the outcomes: if more windows are bad, there will be an alarm.",
    "unjudged": "Nothing. The watch looks again when more rows or outcomes have come.",
    "steady": "Nothing.",
}


@dataclass(frozen=True, slots=True)
class ReportedColumn:
    """A column of the latest window: how far it is from the training rows, and a picture of both, if there is one."""

    name: str
    drifted: bool
    words: str
    multiple: str
    numbers: tuple[str, ...]
    picture: ColumnPicture | None


@dataclass(frozen=True, slots=True)
class ReportedSlice:
    """The metric by outcomes in a slice of the rows, or in all."""

    name: str
    rows: int
    figure: str
    registered: str
    worse: bool


def report_page(model: str, report: WatchReport, windows: Sequence[Window], shares: Sequence[ColumnShares], at: datetime) -> bytes:
    """Return the page.

    Args:
        windows: All windows of the version, oldest first.
        shares: The columns of the latest window of served rows; none if its rows are gone.
        at: When the watch looked.
    """
    colour, verdict = STATES[report.state]
    drifted = next((window for window in reversed(windows) if window.drift), None)
    known = next((window for window in reversed(windows) if window.performance), None)
    judged = [judged_window(window) for window in windows]
    metric = known.performance.metric if known and known.performance else ""
    page = environment().get_template("service/watch_report.html")
    return page.render(
        model=model,
        report=report,
        colour=colour,
        verdict=verdict,
        at=moment("en", at.timestamp()),
        to_do=TO_DO[report.kind or report.state],
        charts=[chart for chart in (drift_chart(judged, "en"), outcome_chart(judged, metric, "en")) if chart],
        window=drifted,
        columns=_columns(drifted, shares),
        changed=_changed(drifted),
        outcomes=known,
        metric=metric,
        slices=_slices(known.performance, known.rows) if known and known.performance else [],
        paired=report.paired,
        effects=_effects(report.paired) if report.paired else [],
        windows=[(window, short_moment("en", window.first), short_moment("en", window.last)) for window in reversed(judged[-LAST:])],
        style=style_sheet().decode(),
    ).encode()


def _columns(window: Window | None, shares: Sequence[ColumnShares]) -> list[ReportedColumn]:
    """Return the columns, the farthest first."""
    if window is None or window.drift is None:
        return []
    pictures = {one.column: one for one in shares}
    found = sorted(window.drift.all, key=lambda one: (not one.drifted, -one.distance / one.threshold))
    return [_column(one, pictures.get(one.column), place) for place, one in enumerate(found)]


def _column(found: ColumnDrift, shares: ColumnShares | None, place: int) -> ReportedColumn:
    far, unlikely = found.distance >= found.threshold, found.p_value <= found.significance
    words = (
        "drifted" if found.drifted
        else "far from the training rows, but chance explains it" if far
        else "changed, but not far" if unlikely
        else "as among the training rows"
    )  # fmt: skip
    numbers = (
        found.distance_by,
        f"{found.distance:.3g}",
        f"{found.threshold:g}",
        found.test,
        "< 0.0001" if found.p_value < 0.0001 else f"{found.p_value:.2g}",
        f"{found.significance:.2g}",
    )
    drawn = histogram(shares, f"column-{place}") if shares else None
    return ReportedColumn(found.column, found.drifted, words, f"{found.distance / found.threshold:.2g}", numbers, drawn)


def _changed(window: Window | None) -> list[str]:
    """Return sentences about values that came or went."""
    if window is None or window.drift is None:
        return []
    came = [f"{name}: {', '.join(values)} was served, and is not among the training rows." for name, values in window.drift.new.items()]
    went = [f"{name}: {', '.join(values)} is among the training rows, and was not served." for name, values in window.drift.absent.items()]
    return came + went


def _slices(found: Performance, rows: int) -> list[ReportedSlice]:
    whole = ReportedSlice(
        "all rows", rows, with_interval(found.figure, found.low, found.high, "en"), figure_text(found.registered, "en"), found.worse
    )
    return [
        whole,
        *(
            ReportedSlice(
                one.name,
                one.rows,
                "–" if one.figure is None else with_interval(one.figure, one.low, one.high, "en"),
                "–" if one.registered is None else figure_text(one.registered, "en"),
                one.worse,
            )
            for one in found.slices
        ),
    ]


def _effects(paired: Paired) -> list[tuple[str, ...]]:
    every = [paired.effect, paired.accuracy, paired.auc, paired.error]
    named = {one.figure: one for one in every if one is not None}
    return [
        (
            name,
            figure_text(one.champion, "en"),
            figure_text(one.challenger, "en"),
            f"{one.difference:+.4f}",
            f"{one.low:+.4f} to {one.high:+.4f}",
        )
        for name, one in named.items()
    ]
