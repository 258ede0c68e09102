"""Reading JSON lines: one object a line. Numbers keep the digits that they are written with."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.data.tables.csv_files import opened
from slipway.data.tables.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

NO_NUMBERS = {"NaN": "", "Infinity": "inf", "-Infinity": "-inf"}  # which JSON does not have, but Python's writer does

_decoder = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=NO_NUMBERS.__getitem__)


def read(path: Path) -> pd.DataFrame:
    """Return all rows; the index has the number of each line, and is named "line". Columns are in the order of their first appearance."""
    import pyarrow as pa

    from slipway.data.tables.texts import TEXT, frame, text

    numbers, rows = [], []
    for number, line in _lines(path):
        numbers.append(number)
        rows.append(_object(path, number, line))
    names = dict.fromkeys(name for row in rows for name in row)
    try:
        columns = {name: pa.array([text(row.get(name)) for row in rows], TEXT) for name in names}
    except UnicodeEncodeError as error:  # half of a pair of surrogates, which JSON can escape
        raise TableError(f"{path.name} has text that is not Unicode: {error}.") from None
    return frame(columns, numbers, "line")


def rows_in(path: Path) -> int:
    """Return the number of lines that are not blank."""
    return sum(1 for _ in _lines(path))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with opened(path) as file:
            for number, line in enumerate(io.TextIOWrapper(file, "utf-8-sig", newline="\n"), start=1):
                if line.strip():
                    yield number, line
    except (gzip.BadGzipFile, EOFError) as error:
        raise TableError(f"{path.name} is damaged: {error}.") from None
    except UnicodeDecodeError as error:
        raise TableError(f"{path.name} is not in UTF-8: {error}.") from None


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = _decoder.decode(line)
    except json.JSONDecodeError as error:
        raise TableError(f"{path.name} has no JSON object in line {number}: {error}.") from None
    if not isinstance(row, dict):
        raise TableError(f"{path.name} has no JSON object in line {number}: expected {{...}}, received {line.strip()[:40]}.")
    return row
