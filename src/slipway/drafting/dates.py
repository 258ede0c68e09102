"""Columns of dates: the format in which a file writes them, and which of two dates a span is measured from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.drafting.findings import Found
from slipway.spec import Date

if TYPE_CHECKING:
    import pandas as pd

DAYS = ("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "%d/%m/%y", "%m/%d/%y")
TIMES = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f")
ISO = {"%Y-%m-%d": (), **{f"%Y-%m-%d{mark}{time}": () for mark in ("T", " ") for time in TIMES}}  # no format needs to be declared


def formats(cells: pd.Series[str]) -> list[str]:
    """Return the formats in which every cell is a date, the usual ones first; none if the cells are no dates.

    Args:
        cells: (n,) texts, none empty, n >= 1.
    """
    import pandas as pd

    texts = cells.str.strip()
    if not texts.str.contains(r"\d[-/.]\d", regex=True).all():
        return []
    tried = [*DAYS, *(f"{day}{mark}{time}" for day in DAYS for mark in ("T", " ") for time in TIMES)]
    first = texts.iloc[[0]]
    likely = [each for each in tried if not pd.to_datetime(first, format=each, errors="coerce").isna().any()]
    return [each for each in likely if not pd.to_datetime(texts, format=each, errors="coerce").isna().any()]


def declared(description: str, found: str, missing: bool) -> Date:
    """Return the kind of a column whose cells have a format."""
    return Date(description, missing=missing, format="" if found in ISO else found, time="%H" in found)


def with_spans(columns: list[Found]) -> list[Found]:
    """Let each column of dates after the first also say how many days it is since the first."""
    first = next((column.name for column in columns if isinstance(column.feature, Date)), None)
    return [
        replace(column, feature=replace(column.feature, since=first))
        if isinstance(column.feature, Date) and first and column.name != first
        else column
        for column in columns
    ]
