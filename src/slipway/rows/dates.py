"""Dates and times as ISO text, and as the texts of a file's own format."""

from __future__ import annotations

import re
from datetime import datetime

DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIME = rf"{DAY}([T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?)?"
_DAY, _TIME = re.compile(DAY), re.compile(TIME)


def is_date(text: str, time: bool) -> bool:
    """Return whether a text is an ISO date, or with `time` a date or a time without a zone, such as 2026-11-29T10:30:00."""
    if not (_TIME if time else _DAY).fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:  # the 30th of February
        return False
    return True


def as_iso(text: str, style: str, time: bool) -> str:
    """Return the ISO text of a date that a file writes in a format; a text in another format stays, so that the check reports it."""
    try:
        found = datetime.strptime(text, style)
    except ValueError:
        return text
    return found.isoformat(timespec="seconds") if time else found.date().isoformat()
