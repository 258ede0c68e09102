"""Checking whole columns as vectors: ten times as quick as cell by cell.

A column that may break the contract gives None here: `slipway.rows.checks` then looks at every cell and finds what is wrong. So nothing is
refused here, and a column that is accepted would be accepted in a request too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from slipway.bundle.contract import Column
from slipway.rows.checks import bounds


def read(column: Column, cells: Any, spelled: bool) -> npt.NDArray[np.float64] | list[str] | None:
    """Return the cells of a column as numbers or texts if all keep the contract, else None.

    Args:
        cells: (n,) an Arrow array.
        spelled: Whether a text may spell a number; otherwise a text is never a number.
    """
    if column.missing or column.other or column.kind in ("boolean", "date", "text"):
        return None
    return _texts(column, cells, spelled) if column.kind == "category" else _numbers(column, cells, spelled)


def _numbers(column: Column, cells: Any, spelled: bool) -> npt.NDArray[np.float64] | None:
    if cells.null_count or not (spelled or is_number(cells.type)):
        return None
    try:
        numbers: npt.NDArray[np.float64] = pc.cast(cells, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:  # a text that is not a number, or a whole number too large for a float
        return None
    if not len(numbers):
        return numbers
    low, high = bounds(column)
    if not (low <= numbers.min() and numbers.max() <= high):  # a NaN makes both NaN
        return None
    return numbers if column.kind == "number" or (numbers == np.floor(numbers)).all() else None


def _texts(column: Column, cells: Any, spelled: bool) -> list[str] | None:
    if not is_text(cells.type):
        return None
    values = [value for value in column.values if value or not spelled]  # an empty cell of a CSV is missing, not a text
    places = pc.index_in(cells, value_set=pa.array(values, cells.type))
    if places.null_count:
        return None
    texts: list[str] = np.array(values, dtype=object)[places.to_numpy()].tolist()  # a list is quicker to iterate
    return texts


def is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
