"""Dates and times as people read them, in the time zone of the machine."""

from __future__ import annotations

from datetime import date, datetime

from slipway.pages.languages import Language

MONTHS: dict[Language, list[str]] = {
    "en": ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
    "es": ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"],
}


def day(language: Language, seconds: float) -> str:
    """Return the day of a moment, as `written_day` does."""
    return written_day(language, datetime.fromtimestamp(seconds).astimezone())


def written_day(language: Language, when: date) -> str:
    """Return `30 November 2026` or `30 de noviembre de 2026`."""
    month = MONTHS[language][when.month - 1]
    return f"{when.day} de {month} de {when.year}" if language == "es" else f"{when.day} {month} {when.year}"


def moment(language: Language, seconds: float, *, exact: bool = False) -> str:
    """Return a day, the time and its zone; with seconds, if it is to be exact."""
    when = datetime.fromtimestamp(seconds).astimezone()
    return f"{day(language, seconds)}, {when:{'%H:%M:%S' if exact else '%H:%M'}} {when:%Z}"


def instant(language: Language, iso: str) -> str:
    """Do as `moment` does with a time in ISO 8601, such as those of the ledger; "" for ""."""
    return moment(language, datetime.fromisoformat(iso).timestamp()) if iso else ""
