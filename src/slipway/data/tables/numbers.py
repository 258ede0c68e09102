"""Numbers as files write them. Arrow parses them exactly; pandas' own parser is off by one unit in the last place for long fractions."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from slipway.spec.tables import CSV

if TYPE_CHECKING:
    import pandas as pd

NOTHING = pa.scalar(None, pa.string())
POINT, COMMA = ".", ","
SPACES = (" ", "'", "’", "\u00a0", "\u202f")  # between thousands


def numbers(cells: pd.Series[str], decimal: str = POINT, thousands: str = "") -> pd.Series[float]:
    """Return the numbers that cells spell, as float64; NaN for a cell that is empty or spells none. Spaces around a number are ignored.

    Args:
        decimal: The decimal mark. A cell with the other mark spells no number, unless that is the mark of thousands.
        thousands: The mark of thousands, which must divide the digits in groups of three; a number may also lack it.
    """
    import pandas as pd

    texts = pc.utf8_trim_whitespace(pa.array(cells, pa.string()))
    parsed = _plain(texts) if decimal == POINT and not thousands else _marked(texts, decimal, thousands)
    return pd.Series(parsed.to_numpy(zero_copy_only=False), index=cells.index, name=cells.name)


def _plain(texts: Any) -> Any:
    try:
        return pc.cast(texts, pa.float64())
    except pa.ArrowInvalid:  # one cell or more is not a number
        return _marked(texts, POINT, "")


def _marked(texts: Any, decimal: str, thousands: str) -> Any:
    readable = pc.if_else(pc.match_substring_regex(texts, _number(decimal, thousands)), texts, NOTHING)
    if thousands:
        readable = pc.replace_substring(readable, thousands, "")
    if decimal != POINT:
        readable = pc.replace_substring(readable, decimal, POINT)
    return pc.cast(readable, pa.float64())


@lru_cache
def _number(decimal: str, thousands: str) -> str:
    """Return the regular expression of a number, for Arrow."""
    mark = re.escape(decimal)
    forms = [rf"\d+({mark}\d*)?(e[+-]?\d+)?", rf"{mark}\d+(e[+-]?\d+)?", "inf", "infinity"]
    if thousands:
        forms.append(rf"\d{{1,3}}({re.escape(thousands)}\d{{3}})+({mark}\d*)?")
    return rf"^(?i)[+-]?({'|'.join(forms)})$"


def written_otherwise(cells: pd.Series[str], dialect: CSV) -> tuple[str, str] | None:
    """Return the decimal mark and the mark of thousands by which every one of some cells is a number; None if there are none.

    "1,234" may have either. In a file with semicolons between its cells, the comma is the decimal mark.

    Args:
        cells: Cells that spell no number by the marks of the dialect.
    """
    other = COMMA if dialect.decimal == POINT else POINT
    tried = [(dialect.decimal, mark) for mark in (other, *SPACES)]
    tried += [(other, mark) for mark in ("", dialect.decimal, *SPACES)]
    if dialect.separator == ";":
        tried = tried[len(SPACES) + 1 :] + tried[: len(SPACES) + 1]
    return next((marks for marks in tried if not numbers(cells, *marks).isna().any()), None)
