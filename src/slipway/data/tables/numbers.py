"""Numbers as files write them. Arrow parses them exactly; pandas' own parser is off by one unit in the last place for long fractions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import pandas as pd

NUMBER = r"^(?i)[+-]?(\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|inf|infinity)$"


def numbers(cells: pd.Series[str]) -> pd.Series[float]:
    """Return the numbers that cells spell, as float64; NaN for a cell that is empty or spells none. Spaces around a number are ignored."""
    import pandas as pd

    texts = pc.utf8_trim_whitespace(pa.array(cells, pa.string()))
    return pd.Series(_parsed(texts).to_numpy(zero_copy_only=False), index=cells.index, name=cells.name)


def _parsed(texts: Any) -> Any:
    try:
        return pc.cast(texts, pa.float64())
    except pa.ArrowInvalid:  # one cell or more is not a number
        readable = pc.match_substring_regex(texts, NUMBER)
        return pc.cast(pc.if_else(readable, texts, pa.scalar(None, pa.string())), pa.float64())
