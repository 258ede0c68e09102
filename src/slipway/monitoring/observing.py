"""From the gateway's log to judged windows: the inputs and answers of the version in service, and the outcomes, since the last watch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial

import numpy as np
import pandas as pd

from slipway.audit import SETTLED, Known, Line, Place, known_outcomes, served_rows
from slipway.monitoring import performance
from slipway.monitoring.drift.drift import find
from slipway.monitoring.findings import DriftFinding, Performance, Proposal, Window, WindowKind
from slipway.monitoring.in_service import Watched
from slipway.monitoring.journal import Journal
from slipway.monitoring.served_pairs import compare_served
from slipway.monitoring.windows import cut, per_day, volume
from slipway.problems.serving import Answer
from slipway.records import Paired
from slipway.spec import ModelSpec

logger = logging.getLogger(__name__)

MOMENT = timedelta(milliseconds=1)  # the log's resolution
NAMED = 3  # columns that a reason names; the report has all
MOST_ROWS = 1_000_000  # read in one run of the watch; the next run continues after them


@dataclass(frozen=True, slots=True)
class WindowRows:
    """Rows of a window, (n, columns) in contract order, and the answers to them; `truth` is the outcomes, empty if they are not known."""

    features: pd.DataFrame
    labels: list[Answer]
    probabilities: list[list[float]]
    truth: list[Answer] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Observed:
    """New windows, oldest first; the rows of the latest window of served rows; and how many rows and outcomes wait for a full window."""

    windows: list[Window]
    latest: WindowRows | None
    waiting: int
    waiting_outcomes: int


def observe(spec: ModelSpec, version: Watched, journal: Journal, place: Place, now: datetime) -> Observed:
    """Judge the windows that have filled since the last watch, and add them to the journal. Safe to repeat: no window is judged twice.

    Only rows that the version in service answered count; a challenger's share is left out.
    """
    until = now - SETTLED
    before = journal.windows(spec.name, version.version)
    number = len(journal.windows(spec.name))
    lines = served_rows(place, spec.name, since=_next(before, "served", version.since), until=until, limit=MOST_ROWS)
    lines = [line for line in lines if line.version == version.version]
    learnt = known_outcomes(place, spec.name, since=_next(before, "outcomes", None), until=until)
    learnt = [each for each in learnt if each.line.version == version.version]

    windows: list[Window] = []
    latest: WindowRows | None = None
    at_registration = cache(lambda: performance.registered(spec, version.tested, version.registered))  # only where outcomes are judged
    times = [_time(line.time) for line in lines]
    for part in (parts := cut(times, spec.watch, now)):
        latest = _rows(spec, lines[part])
        rate = per_day(times[part])
        earlier = [window for window in [*before, *windows] if window.kind == "served"]
        judge = partial(_of_drift, spec, version, latest, volume(rate, earlier, spec.watch))
        windows.append(_window(spec, version, "served", number + len(windows) + 1, times[part], judge, rate))
    waiting = len(lines) - (parts[-1].stop if parts else 0)
    times = [_time(each.first_known) for each in learnt]
    for part in (parts := cut(times, spec.watch, now)):
        judge = partial(_of_outcomes, spec, version, at_registration, _rows(spec, [each.line for each in learnt[part]], learnt[part]))
        windows.append(_window(spec, version, "outcomes", number + len(windows) + 1, times[part], judge))
    for window in windows:
        journal.add(window)
        logger.log(logging.WARNING if window.bad else logging.INFO, "%s: window %d, %s", spec.name, window.number, window.reason)
    return Observed(windows, latest, waiting, len(learnt) - (parts[-1].stop if parts else 0))


def rows_of(spec: ModelSpec, window: Window, place: Place) -> WindowRows | None:
    """Return the rows of a window of served rows that was judged before; None if the log has them no more.

    Raises:
        AuditError: The log cannot be read.
    """
    lines = served_rows(place, spec.name, since=window.first, until=window.last + MOMENT, limit=MOST_ROWS)
    lines = [line for line in lines if line.version == window.version]
    return _rows(spec, lines) if lines else None


def compare(spec: ModelSpec, version: Watched, place: Place, now: datetime) -> Paired | None:
    """Compare the version in service with its challenger on all rows with outcomes that both answered; None if there are no such rows.

    Raises:
        AuditError: The log cannot be read.
    """
    if version.challenger is None:
        return None
    rows = known_outcomes(place, spec.name, since=version.since, until=now - SETTLED)
    return compare_served(spec, rows, champion=version.version, challenger=version.challenger)


def propose(version: Watched, paired: Paired | None, proposed: Sequence[Proposal], now: datetime) -> Proposal | None:
    """Propose to promote the challenger if it is better; None if it is not, or if it was already proposed to replace this version."""
    if paired is None or version.challenger is None or paired.verdict != "challenger better":
        return None
    if any((made.champion, made.challenger) == (version.version, version.challenger) for made in proposed):
        return None
    model = version.contract.model
    return Proposal(model=model, champion=version.version, challenger=version.challenger, reason=paired.reason, at=now)


def _next(windows: Sequence[Window], kind: WindowKind, otherwise: datetime | None) -> datetime | None:
    last = next((window.last for window in reversed(windows) if window.kind == kind), None)
    if last is None:
        return otherwise
    return max(last + MOMENT, otherwise) if otherwise else last + MOMENT


Finding = tuple[DriftFinding | None, Performance | None, str]


def _window(
    spec: ModelSpec,
    version: Watched,
    kind: WindowKind,
    number: int,
    times: Sequence[datetime],
    judge: Callable[[], Finding],
    rate: float | None = None,
) -> Window:
    enough = len(times) >= spec.watch.minimum
    what = "served rows" if kind == "served" else "outcomes"
    few = f"{len(times):,} {what} in {spec.watch.days:g} days are too few to judge; {spec.watch.minimum:,} are needed"
    drift, measured, reason = judge() if enough else (None, None, few)
    season = spec.watch.season(times[0].date())
    return Window(
        model=spec.name,
        version=version.version,
        kind=kind,
        number=number,
        first=times[0],
        last=times[-1],
        rows=len(times),
        judged=drift is not None or measured is not None,
        reason=f"{reason} (in the season {season}, so it does not count)" if season else reason,
        per_day=rate,
        season=season,
        drift=drift,
        performance=measured,
    )


def _of_drift(spec: ModelSpec, version: Watched, rows: WindowRows, rate: str) -> Finding:
    found = find(spec, version.reference, rows.features, rows.labels)
    values = [f"{column} has {', '.join(new)}, not in the training rows" for column, new in found.new.items()]
    values += [f"{column} lacks {', '.join(absent)}" for column, absent in found.absent.items()]
    words = _drifted(found) or "no column has drifted"
    return found, None, "; ".join([f"{len(rows.labels):,} served rows, {words}", *values, *([rate] if rate else [])])


def _drifted(found: DriftFinding) -> str:
    """Return in words which columns drifted, the farthest first; "" if none did."""
    drifted = sorted((one for one in found.all if one.drifted), key=lambda one: one.distance / one.threshold, reverse=True)
    if not drifted:
        return ""
    named = [f"{one.column} ({one.distance_by} {one.distance:.3g}, at least {one.threshold:g})" for one in drifted[:NAMED]]
    more = [f"{len(drifted) - NAMED} more"] if len(drifted) > NAMED else []
    return f"drifted in {len(drifted)} column{'s' * (len(drifted) > 1)}: {', '.join(named + more)}"


def _of_outcomes(spec: ModelSpec, version: Watched, before: Callable[[], performance.Registered], rows: WindowRows) -> Finding:
    answers = spec.problem.evaluation(rows.truth, rows.labels, np.array(rows.probabilities))
    found = performance.measure(spec, rows.features, answers, before(), sample=version.contract.sample)
    if found is None:
        why = "they are all of one class" if spec.columns.target.answers_are_categories else "they are all the same, or one is 0"
        return None, None, f"{len(rows.truth):,} outcomes do not define {spec.metric}: {why}"
    words = f"{len(rows.truth):,} outcomes, {found.metric} {found.figure:.4f} ({found.low:.4f} to {found.high:.4f})"
    words += f", {found.registered:.4f} on the test rows"
    if found.below_floor:
        words += f"; {'above' if found.lower_is_better else 'below'} the floor {found.floor:g}"
    if found.hits and not spec.columns.target.answers_are_categories:
        words += f"; {found.hits / len(rows.truth):.1%} of the outcomes are within their interval"
    return None, found, f"{words}; less right than at registration" if found.worse else words


def _rows(spec: ModelSpec, lines: Sequence[Line], outcomes: Sequence[Known] = ()) -> WindowRows:
    features = pd.DataFrame([line.row for line in lines], columns=spec.columns.names)
    gaps = [name for name, kind in spec.columns.numbers.items() if kind.missing]  # null is not NaN in a column of objects
    features[gaps] = features[gaps].astype("float64")
    return WindowRows(features, [line.label for line in lines], [line.probabilities for line in lines], [each.outcome for each in outcomes])


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
