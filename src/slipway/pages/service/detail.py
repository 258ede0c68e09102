"""The page of one model in service, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from slipway.pages.languages import Language
from slipway.pages.prediction.numbers import percent
from slipway.pages.prediction.words import Phrase
from slipway.pages.service.charts import Chart
from slipway.pages.service.shapes import JudgedWindow, LedgerLine, RaisedAlarm, ServiceDetail
from slipway.pages.service.states import ShownState, Traffic, english, states
from slipway.pages.service.trends import drift_chart, latency_chart, outcome_chart
from slipway.pages.service.words import count, figure_text, short_moment, tried, with_interval
from slipway.pages.texts import text

IN_SERVICE = ("promoted", "rolled back")  # after these lines of the ledger, their version is in service
LONGEST = 300  # characters of a reason; `slipway history` has all


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of the ledger."""

    event: str
    version: str
    at: str
    who: str
    started_by: str
    why: Phrase
    because: Phrase
    figure: str
    sample: bool
    run_url: str


@dataclass(frozen=True, slots=True)
class ShownAlarm:
    """An alarm that was raised."""

    kind: str
    version: int
    at: str
    reason: Phrase


@dataclass(frozen=True, slots=True)
class ShownService:
    """The page: what is the matter, what is in service and since when, its figures, its charts, what happened.

    `records` are whether gateway, ledger and MLflow agree, and the command that shows more. `watched` says when the watch looked last.
    """

    states: tuple[ShownState, ...]
    line: ShownLine | None
    since: str
    figures: tuple[tuple[str, str], ...]
    charts: tuple[Chart, ...]
    watched: str
    latest: tuple[Phrase, ...]
    challenger: tuple[str, ...]
    proposal: Phrase | None
    alarms: tuple[ShownAlarm, ...]
    records: str
    lines: tuple[ShownLine, ...]
    requests: str


def shown_service(detail: ServiceDetail, traffic: Traffic, language: Language) -> ShownService:
    """Return the page of a model."""
    glance, watch, metric = detail.glance, detail.glance.own_watch, detail.metric
    charts = (
        drift_chart(detail.windows, language),
        outcome_chart(detail.windows, metric, language),
        latency_chart(detail.latency, language),
    )
    return ShownService(
        states=tuple(states(glance, traffic, language)),
        line=_line(detail.line, metric, language) if detail.line else None,
        since=short_moment(language, glance.since),
        figures=tuple((figure.name, with_interval(figure.value, figure.low, figure.high, language)) for figure in detail.figures),
        charts=tuple(chart for chart in charts if chart),
        watched=short_moment(language, watch.at) if watch else "",
        latest=tuple(_latest(detail.windows, language)),
        challenger=tuple(_challenger(detail, language)),
        proposal=english(glance.challenger.proposal, language) if glance.challenger and glance.challenger.proposal else None,
        alarms=tuple(_alarm(alarm, language) for alarm in detail.alarms),
        records=text(language, f"service.mlflow.{detail.mlflow}"),
        lines=tuple(_line(line, metric, language) for line in detail.lines),
        requests=text(language, "service.requests", number=traffic.requests, count=count(traffic.requests, language)),
    )


def _line(line: LedgerLine, metric: str, language: Language) -> ShownLine:
    event = line.event.replace(" ", "_")
    version = f"{line.previous or '–'} → {line.version}" if line.event in IN_SERVICE else str(line.version)
    return ShownLine(
        event=text(language, f"acts.event.{event}"),
        version=version,
        at=short_moment(language, line.at),
        who=line.who,
        started_by=line.started_by,
        why=Phrase(_shortened(line.why)),
        because=Phrase(_shortened(line.because) if line.because != line.why else ""),
        figure=f"{metric} {figure_text(line.figure, language)}" if line.figure is not None else "",
        sample=line.sample,
        run_url=line.run_url if line.run_url.startswith(("http://", "https://")) else "",
    )


def _shortened(reason: str) -> str:
    return reason if len(reason) <= LONGEST else f"{reason[: LONGEST - 1]}…"


def _latest(windows: list[JudgedWindow], language: Language) -> Iterator[Phrase]:
    """Yield what the watch says about the latest window of each kind."""
    for kind in ("served", "outcomes"):
        if found := next((window for window in reversed(windows) if window.kind == kind), None):
            yield english(_shortened(found.reason), language)


def _challenger(detail: ServiceDetail, language: Language) -> Iterator[str]:
    """Yield sentences about how the challenger does."""
    if (found := detail.glance.challenger) is None:
        return
    yield f"{tried(found, language)}."
    if found.figure:
        figure = figure_text(found.figure.value, language)
        champion = f" {figure_text(detail.glance.figure.value, language)}" if detail.glance.figure else " –"
        yield text(language, "service.challenger.figure", metric=found.figure.name, figure=figure, champion=champion.strip())
    if found.rows:
        share = percent(found.agreeing / found.rows, language)
        yield text(language, "service.challenger.agreeing", number=found.rows, count=count(found.rows, language), share=share)
    else:
        yield text(language, "service.challenger.no_rows")


def _alarm(alarm: RaisedAlarm, language: Language) -> ShownAlarm:
    kind = text(language, f"service.alarm.{alarm.kind}")
    return ShownAlarm(kind, alarm.version, short_moment(language, alarm.at), english(_shortened(alarm.reason), language))
