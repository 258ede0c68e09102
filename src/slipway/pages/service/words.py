"""Times, figures and versions on the pages of an operator, as short as a table needs them."""

from __future__ import annotations

from datetime import datetime

from slipway.monitoring.published import Latest
from slipway.pages.languages import Language
from slipway.pages.moments import MONTHS
from slipway.pages.prediction.numbers import SEPARATOR, percent
from slipway.pages.service.shapes import MeasuredFigure, TriedVersion
from slipway.pages.texts import text


def short_moment(language: Language, time: str) -> str:
    """Return an ISO time as `30 Nov 2026, 14:05`, in the time zone of the machine; "" for ""."""
    if not time:
        return ""
    return f"{short_day(language, time)}, {datetime.fromisoformat(time).astimezone():%H:%M}"


def short_day(language: Language, time: str) -> str:
    """Return the day of an ISO time as `30 Nov 2026`."""
    when = datetime.fromisoformat(time).astimezone()
    return f"{when.day} {MONTHS[language][when.month - 1][:3]} {when.year}"


def zone() -> str:
    """Return the name of the time zone of the machine."""
    return f"{datetime.now().astimezone():%Z}"


def figure_text(value: float, language: Language) -> str:
    """Return a figure to three places, or to four digits if it is no fraction."""
    written = f"{value:.3f}" if abs(value) <= 1 else f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
    return written.replace(".", SEPARATOR[language]).replace("-", "\N{MINUS SIGN}")


def with_interval(value: float, low: float | None, high: float | None, language: Language) -> str:
    """Return a figure, with its interval if there is one."""
    shown = figure_text(value, language)
    if low is None or high is None:
        return shown
    return text(language, "service.interval", figure=shown, low=figure_text(low, language), high=figure_text(high, language))


def named(figure: MeasuredFigure, language: Language) -> str:
    """Return a figure after its name."""
    return f"{figure.name} {with_interval(figure.value, figure.low, figure.high, language)}"


def by_outcomes(watch: Latest, language: Language) -> str:
    """Return the figure by outcomes of the last watch; "" if too few outcomes are known."""
    if watch.metric is None or watch.figure is None:
        return ""
    figure = with_interval(watch.figure, watch.low, watch.high, language)
    return text(language, "service.by_outcomes", metric=watch.metric, figure=figure, number=count(watch.outcomes or 0, language))


def tried(challenger: TriedVersion, language: Language) -> str:
    """Return a challenger and which requests it answers."""
    if not challenger.share:
        return text(language, "service.in_shadow", version=challenger.version)
    share = percent(challenger.share, language, 0 if (challenger.share * 100).is_integer() else 1)
    return text(language, "service.with_share", version=challenger.version, share=share)


def count(number: int, language: Language) -> str:
    """Return a whole number in groups of three digits, set apart by a narrow space, which nobody reads as a decimal separator."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def milliseconds(value: float, language: Language) -> str:
    """Return a time with as many digits as it is worth."""
    digits = 2 if value < 1 else 1 if value < 10 else 0
    return f"{value:.{digits}f} ms".replace(".", SEPARATOR[language])
