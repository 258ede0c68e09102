"""How a version does over time, as charts: drift of its rows, how right its answers were by their outcomes, and how long they took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from slipway.monitoring.latest import LatencySpan
from slipway.pages.languages import Language
from slipway.pages.prediction.numbers import written
from slipway.pages.service.charts import LEFT, RIGHT, WIDTH, Chart, ChartPoint, Tick, across, round_numbers, through, upward
from slipway.pages.service.shapes import JudgedWindow
from slipway.pages.service.words import count, figure_text, milliseconds, short_day, short_moment, with_interval
from slipway.pages.texts import text

NAMED = 3  # columns in a cell; the report has all


def drift_chart(windows: Sequence[JudgedWindow], language: Language) -> Chart | None:
    """Return the farthest column of each window of served rows, as a multiple of its threshold; None before the first judged window."""
    measured = [(window, window.multiple) for window in windows if window.multiple is not None]
    if not measured:
        return None
    x, y = across(0, len(measured) - 1), upward([1.2, *(multiple for _, multiple in measured)], from_zero=True)
    marks = [
        ChartPoint(x.at(place), y.at(multiple), _of_drift(window, multiple, language), "bad" if window.drifted else "")
        for place, (window, multiple) in enumerate(measured)
    ]
    latest, multiple = measured[-1]
    drifted = sum(bool(window.drifted) for window, _ in measured)
    many = text(language, "service.drift.summary", number=drifted, of=len(measured))
    farthest = text(language, "service.drift.latest", column=latest.farthest, multiple=_times(multiple, language))
    return Chart(
        id="drift",
        title=text(language, "service.drift.title"),
        summary=f"{many} {farthest}",
        columns=_heads(language, "window", "last", "rows", "farthest", "multiple", "drifted"),
        rows=[
            (str(window.number), short_moment(language, window.last), count(window.rows, language), window.farthest,
             _times(multiple, language), _named(window.drifted))
            for window, multiple in reversed(measured)
        ],
        marks=marks,
        curves=[
            through([(mark.x, mark.y) for mark in marks], "", "faint"),
            through([(LEFT, y.at(1)), (WIDTH - RIGHT, y.at(1))], text(language, "service.drift.threshold"), "floor"),
        ],
        x_ticks=_ends([window.last for window, _ in measured], language),
        y_ticks=[Tick(y.at(one), written(one, language)) for one in round_numbers(y)],
        key=[("bad", text(language, "service.drift.bad")), ("", text(language, "service.drift.good"))],
    )  # fmt: skip


def outcome_chart(windows: Sequence[JudgedWindow], metric: str, language: Language) -> Chart | None:
    """Return the figure of each window of outcomes with its 95 % interval, the gate's floor and the figure of the test rows; or None."""
    known = [window for window in windows if window.figure is not None]
    if not known:
        return None
    numbers = [
        one for window in known for one in (window.figure, window.low, window.high, window.registered, window.floor) if one is not None
    ]
    x, y = across(0, len(known) - 1), upward(numbers, from_zero=False)
    marks = [_of_outcomes(window, x.at(place), y.at, language) for place, window in enumerate(known)]
    latest = known[-1]
    return Chart(
        id="outcomes",
        title=text(language, "service.outcomes.title", metric=metric),
        summary=text(
            language, "service.outcomes.summary", metric=metric,
            figure=with_interval(latest.figure or 0.0, latest.low, latest.high, language), number=count(latest.rows, language),
        ),
        columns=_heads(language, "window", "last", "rows", "figure", "registered", "floor"),
        rows=[
            (str(window.number), short_moment(language, window.last), count(window.rows, language),
             with_interval(window.figure or 0.0, window.low, window.high, language),
             *("–" if one is None else figure_text(one, language) for one in (window.registered, window.floor)))
            for window in reversed(known)
        ],
        marks=marks,
        curves=[
            through([(LEFT, y.at(number)), (WIDTH - RIGHT, y.at(number))], words, kind)
            for kind, number in (("floor", latest.floor), ("registered", latest.registered))
            if number is not None
            for words in [text(language, f"service.outcomes.{kind}", figure=figure_text(number, language))]
        ],
        x_ticks=_ends([window.last for window in known], language),
        y_ticks=[Tick(y.at(one), written(one, language)) for one in round_numbers(y)],
        key=[("bad", text(language, "service.outcomes.bad"))] if any(window.bad for window in known) else (),
    )  # fmt: skip


def latency_chart(spans: Sequence[LatencySpan], language: Language) -> Chart | None:
    """Return the median and the 95 % quantile of the time to answer; None without requests."""
    if not spans:
        return None
    times = [datetime.fromisoformat(span.begin).timestamp() for span in spans]
    x, y = across(times[0], times[-1]), upward([span.p95_ms for span in spans], from_zero=True)
    requests = sum(span.requests for span in spans)
    curves = [
        through(
            [(x.at(time), y.at(latency)) for time, latency in zip(times, latencies, strict=True)],
            text(language, f"service.latency.{kind}"),
            kind,
        )
        for kind, latencies in (("p95", [span.p95_ms for span in spans]), ("median", [span.median_ms for span in spans]))
    ]
    slowest = max(spans, key=lambda span: span.p95_ms)
    return Chart(
        id="latency",
        title=text(language, "service.latency.title"),
        summary=text(
            language, "service.latency.summary", number=requests, count=count(requests, language),
            p95=milliseconds(spans[-1].p95_ms, language), slowest=milliseconds(slowest.p95_ms, language),
        ),
        columns=_heads(language, "begin", "requests", "median", "p95"),
        rows=[
            (short_moment(language, span.begin), count(span.requests, language), milliseconds(span.median_ms, language),
             milliseconds(span.p95_ms, language))
            for span in reversed(spans)
        ],
        marks=[ChartPoint(x.at(times[0]), y.at(spans[0].p95_ms), milliseconds(spans[0].p95_ms, language))] if len(spans) == 1 else (),
        curves=curves,
        x_ticks=_ends([span.begin for span in spans], language, times=True),
        y_ticks=[Tick(y.at(one), f"{written(one, language)} ms") for one in round_numbers(y)],
    )  # fmt: skip


def _of_drift(window: JudgedWindow, multiple: float, language: Language) -> str:
    return f"{window.number}: {window.farthest} {_times(multiple, language)}"


def _of_outcomes(window: JudgedWindow, x: float, y: Callable[[float], float], language: Language) -> ChartPoint:
    figure = window.figure or 0.0
    return ChartPoint(
        x,
        y(figure),
        f"{window.number}: {with_interval(figure, window.low, window.high, language)}",
        "bad" if window.bad else "",
        None if window.low is None else y(window.low),
        None if window.high is None else y(window.high),
    )


def _named(columns: Sequence[str]) -> str:
    more = [f"+{len(columns) - NAMED}"] if len(columns) > NAMED else []
    return ", ".join([*columns[:NAMED], *more]) or "–"


def _times(multiple: float, language: Language) -> str:
    return f"{written(round(multiple, 2), language)} ×"


def _heads(language: Language, *names: str) -> list[str]:
    return [text(language, f"service.column.{name}") for name in names]


def _ends(moments: Sequence[str], language: Language, *, times: bool = False) -> list[Tick]:
    """Return the first and the last moment, at the ends of the axis; a single one in its middle."""
    show = short_moment if times else short_day
    if len(moments) == 1:
        return [Tick((LEFT + WIDTH - RIGHT) / 2, show(language, moments[0]))]
    return [Tick(LEFT, show(language, moments[0]), "start"), Tick(WIDTH - RIGHT, show(language, moments[-1]), "end")]
