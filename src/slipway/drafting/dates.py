"""Columns of dates: the format in which a file writes them, and which of two dates a span is measured from."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.drafting.findings import Found
from slipway.spec import Date

if TYPE_CHECKING:
    import pandas as pd

BIRTH = re.compile(r"birth|born|dob|nacim", re.IGNORECASE)
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


def of_the_rows(columns: list[Found]) -> str:
    """Return the column that says when a row became known: the first of dates that has no gaps and is no birthday; "" if there is none."""
    fit = [one for one in columns if isinstance(one.feature, Date) and not one.feature.missing and not BIRTH.search(one.name)]
    return fit[0].name if fit else ""


def with_spans(columns: list[Found]) -> list[Found]:
    """Let each column of dates after the first also say how many days it is since the first."""
    first = next((column.name for column in columns if isinstance(column.feature, Date)), None)
    return [
        replace(column, feature=replace(column.feature, since=first))
        if isinstance(column.feature, Date) and first and column.name != first
        else column
        for column in columns
    ]
