"""Typed cells as texts, so that every kind of table is checked by the same rules as a CSV, and a missing value is an empty cell in all.

No digit is lost: a number is the shortest text that is read as exactly that number, and whole numbers stay whole beside missing values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from slipway.data.tables.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

TEXT = pa.large_string()
ZEROS = r"(:\d{2}(?:\.\d*[1-9])?)\.?0*([+-]\d{4}|Z)?$"  # after the seconds of a time


def frame(columns: Mapping[str, Any], numbers: Any, counted: str) -> pd.DataFrame:
    """Return a frame of texts.

    Args:
        columns: An Arrow array of each column.
        numbers: The number of each row in its file, as an index takes it.
        counted: What the numbers count: "line" or "row".
    """
    import pandas as pd

    kind: Any = pd.StringDtype("pyarrow", na_value=np.nan)
    index = pd.Index(numbers, name=counted)
    return pd.DataFrame({name: kind.__from_arrow__(_texts(name, cells)) for name, cells in columns.items()}, index=index)


def text(value: Any) -> str:
    """Return one cell of a sheet or of a JSON object as text; "" for None."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return "" if value != value else repr(value).removesuffix(".0")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() and value.tzinfo is None else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _texts(name: str, cells: Any) -> Any:
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return _texts(name, cells.cast(kind.value_type))
    if pa.types.is_nested(kind) or pa.types.is_duration(kind):
        return pa.array([text(value) for value in cells.to_pylist()], TEXT)
    if pa.types.is_floating(kind):
        cells = pc.cast(cells, pa.float64())
        cells = pc.if_else(pc.is_nan(cells), pa.scalar(None, pa.float64()), cells)
        cells = cells.cast(pa.int64()) if _all_whole(cells) else cells
    if pa.types.is_timestamp(kind) and kind.tz is None and _all_midnight(cells):
        cells = pc.cast(cells, pa.date32())
    try:
        found = pc.cast(cells, TEXT)
    except pa.ArrowInvalid:
        raise TableError(f"column {name!r} has bytes that are no text in UTF-8.") from None
    if pa.types.is_timestamp(cells.type) or pa.types.is_time(kind):
        found = pc.replace_substring_regex(found, ZEROS, r"\1\2")
    return pc.fill_null(found, "")


def _all_whole(floats: Any) -> bool:
    """Return whether a column has whole numbers only: pandas stores them as floats where one is missing."""
    whole = pc.all(pc.and_(pc.equal(pc.trunc(floats), floats), pc.less(pc.abs(floats), 2.0**53)))
    return whole.as_py() is True


def _all_midnight(times: Any) -> bool:
    whole = pc.all(pc.equal(pc.floor_temporal(times, unit="day"), times))
    return whole.as_py() is True
