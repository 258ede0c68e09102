"""Cells against the contract: which cells break it, and how an error describes them."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Any, Final

import msgspec

from slipway.bundle.contract import Column
from slipway.rows.dates import is_date

LISTED = 20
SHOWN = 60
# The engine computes in float32, in which a larger number is infinity.
LARGEST = 3.4028234663852886e38
NUMBERS = {int, float}  # bool is a kind of its own here: true is not 1

Cells = Sequence[Any]


class Violation(msgspec.Struct, frozen=True):
    """One cell that breaks the contract. `row` counts from 0 in the request; `column` is None if the whole row is wrong."""

    row: int
    column: str | None
    expected: str
    received: str

    def __str__(self) -> str:
        place = f"row {self.row}" if self.column is None else f"row {self.row}, column {self.column!r}"
        return f"{place}: expected {self.expected}, received {self.received}"


class Absent:
    """A cell that is missing in the request, unlike one that is null."""

    def __repr__(self) -> str:
        return "no value"


ABSENT: Final = Absent()


class Unreadable:
    """A cell that is no value of JSON, as it was written: NaN, Infinity, or a number beyond the largest double."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def expected(column: Column) -> str:
    """Describe the cells that a column allows."""
    return f"{_expected(column)}, or null" if column.missing else _expected(column)


def _expected(column: Column) -> str:
    if column.kind == "category":
        return "a text" if column.other else f"one of {listed(column.values)}"
    if column.kind == "boolean":
        return "true or false"
    if column.kind == "date":
        return "a time without a zone, such as 2026-11-29T10:30:00" if column.time else "a date such as 2026-11-29"
    if column.kind == "text":
        return f"a text of 1 to {column.longest:,} characters"
    words = ["a whole number" if column.kind == "integer" else "a number"]
    if column.low is not None:
        words.append(f"from {column.low:.15g}")
    if column.high is not None:
        words.append(f"to {column.high:.15g}")
    if column.unit:
        words.append(f"({column.unit})")
    return " ".join(words)


def listed(values: Sequence[Any]) -> str:
    """Return values as a message names them: of many, the first ones."""
    named = ", ".join(map(repr, values[:LISTED]))
    return f"{named} and {len(values) - LISTED:,} more" if len(values) > LISTED else named


def shown(cell: Any) -> str:
    """Return a cell as the caller sent it, shortened to 60 characters."""
    if isinstance(cell, Absent):
        return repr(cell)
    if isinstance(cell, Unreadable):
        return cell.text[:SHOWN]
    if cell is None or cell != cell:
        return "nothing (null, NaN or an empty cell)"
    try:
        text = msgspec.json.encode(cell[:SHOWN] if isinstance(cell, str | list) else cell, enc_hook=_written).decode()
    except RecursionError:
        return "a value nested too deeply to be shown"
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def _written(cell: Any) -> str:
    return shown(cell)


def keeps(column: Column, cells: Cells) -> bool:
    """Return whether there are cells and all keep the contract. Many are checked together, which is faster than one by one."""
    if len(cells) == 1:
        return _cell_keeps(column, cells[0])
    if column.missing and len(cells):
        cells = [cell for cell in cells if cell is not None]
        if not cells:
            return True
    if column.kind == "boolean":
        return set(map(type, cells)) == {bool}
    if column.kind == "date":
        return set(map(type, cells)) == {str} and all(is_date(cell, column.time) for cell in set(cells))
    if column.kind == "text":
        return set(map(type, cells)) == {str} and max(map(len, cells)) <= column.longest and all(map(str.strip, cells))
    if column.kind == "category":
        if column.other:
            return set(map(type, cells)) == {str} and ("" in column.values or all(cells))
        try:
            return set(cells) <= set(column.values) and len(cells) > 0
        except TypeError:  # a list or an object
            return False
    kinds = set(map(type, cells))
    if not kinds or not kinds <= NUMBERS:
        return False
    low, high = bounds(column)
    if not (low <= min(cells) and max(cells) <= high):
        return False
    if float not in kinds:
        return True
    if isnan(sum(cells)):  # min and max miss it
        return False
    return column.kind == "number" or all(map(float.is_integer, map(float, cells)))


def _cell_keeps(column: Column, cell: Any) -> bool:
    kind = type(cell)
    if cell is None:
        return column.missing
    if column.kind == "boolean":
        return kind is bool
    if column.kind == "date":
        return kind is str and is_date(cell, column.time)
    if column.kind == "text":
        return kind is str and len(cell) <= column.longest and cell.strip() != ""
    if column.kind == "category":
        return kind is str and (cell in column.values or (column.other and cell != ""))
    if kind is not int and kind is not float:
        return False
    low, high = bounds(column)
    return low <= cell <= high and (kind is int or column.kind == "number" or cell.is_integer())


def with_gaps(column: Column, cells: Cells) -> Cells:
    """Return the cells of a column that may be missing, with None for a missing one: null, NaN, a key that is absent, an empty text.

    A text that is written freely is empty too if it has only blanks.
    """
    text, free = column.is_text, column.kind == "text"
    return [
        None if cell is None or cell is ABSENT or _is_nan(cell) or (text and cell == "") or (free and _is_blank(cell)) else cell
        for cell in cells
    ]


def _is_blank(cell: Any) -> bool:
    return type(cell) is str and not cell.strip()


def _is_nan(cell: Any) -> bool:
    return (type(cell) is float and cell != cell) or (type(cell) is Unreadable and cell.text == "NaN")


def faults(column: Column, cells: Cells) -> list[int]:
    """Return the rows whose cells break the contract. NaN breaks it: no comparison with it is true."""
    return [row for row, cell in enumerate(cells) if not _cell_keeps(column, cell)]


def bounds(column: Column) -> tuple[float, float]:
    """Return the smallest and the largest allowed number of a column."""
    return -LARGEST if column.low is None else column.low, LARGEST if column.high is None else column.high


def violation(row: int, column: Column, cell: Any) -> Violation:
    """Describe a cell that breaks the contract."""
    received = shown(cell)
    if column.kind == "text" and type(cell) is str and len(cell) > column.longest:
        received = f"{len(cell):,} characters"
    return Violation(row, column.name, expected(column), received)
