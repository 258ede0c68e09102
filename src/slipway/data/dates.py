"""Dates and times of a file, as ISO text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from slipway.rows.dates import TIME
from slipway.spec import Date


def read(cells: pd.Series[str], kind: Date) -> pd.Series[Any]:
    """Return the dates that cells spell, as ISO text; NaN where a cell spells none.

    Fractions of a second are dropped. A day may be written as its midnight, as many programs do; any other time is no day.
    """
    places, different = pd.factorize(cells)  # most days are there many times
    found = _read(pd.Series(different), kind)
    return pd.Series(found.array.take(places), index=cells.index, name=cells.name, dtype=cells.dtype)


def _read(cells: pd.Series[str], kind: Date) -> pd.Series[Any]:
    texts = cells.astype(object)
    if not kind.format:
        texts = texts.where(cells.str.fullmatch(TIME).to_numpy(dtype="bool"))
    times = pd.to_datetime(texts, format=kind.format or "ISO8601", errors="coerce")
    found = iso(times, kind)
    return found if kind.time else found.where(times.dt.normalize() == times, None)


def iso(times: pd.Series[Any], kind: Date) -> pd.Series[Any]:
    """Return times as ISO text, None for a missing one."""
    texts = np.datetime_as_string(times.to_numpy(dtype="datetime64[s]"), unit="s" if kind.time else "D")
    return pd.Series(texts.astype(object), index=times.index, dtype=object).where(times.notna(), None)


def seconds(texts: pd.Series[Any]) -> pd.Series[float]:
    """Return ISO texts as seconds since 1970, without the missing ones."""
    present = texts.dropna().astype(object)
    times = np.asarray(present, dtype="datetime64[s]")
    return pd.Series(times.astype("int64").astype("float64"), index=present.index, name=texts.name)
