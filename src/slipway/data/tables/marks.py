"""Which marks numbers have: 1234.5, 1,234.5 or 1.234,5. A column of codes must not decide for the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

POINT, COMMA = ".", ","
GROUPED = {mark: re.compile(rf"[+-]?\d{{1,3}}({re.escape(mark)}\d{{3}})+") for mark in (POINT, COMMA, " ", "'", "’", "\u00a0", "\u202f")}
NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}([.,' ’\u00a0\u202f]\d{3})+)?([.,]\d*)?(e[+-]?\d+)?", re.IGNORECASE)
DATE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?(AM|PM|Z|[+-]\d{2}:?\d{2}))?)?|\d{1,2}:\d{2}(:\d{2})?",
    re.IGNORECASE,
)


def is_number(cell: str) -> bool:
    """Return whether a cell spells a number by any marks."""
    return any(map(str.isdigit, cell)) and NUMBER.fullmatch(cell.strip()) is not None and not is_date(cell)


def is_date(cell: str) -> bool:
    """Return whether a cell looks like a date, a time, or both."""
    return DATE.fullmatch(cell.strip()) is not None


def marks(columns: Iterable[Sequence[str]], separator: str) -> tuple[str, str]:
    """Return the decimal mark and the mark of thousands of a file's numbers.

    "1,234" alone may be either. Then the other columns decide, and in their absence the separator: a file with commas between its cells
    needs no comma for its decimals, and one with semicolons has them because of that.
    """
    numeric = [[cell.strip() for cell in column if cell.strip()] for column in columns]
    numeric = [column for column in numeric if column and all(map(is_number, column))]
    decided = [mark for column in numeric if (mark := _certain(column))]
    if decided:
        decimal = COMMA if decided.count(COMMA) > decided.count(POINT) else POINT
    elif separator == ";" and any(GROUPED[COMMA].fullmatch(cell) for column in numeric for cell in column):
        decimal = COMMA
    else:
        decimal = POINT
    return decimal, _thousands(numeric, decimal)


def _certain(column: list[str]) -> str | None:
    """Return the decimal mark of a column where a cell leaves no doubt."""
    found = {mark for cell in column if (mark := _decimal_of(cell))}
    return found.pop() if len(found) == 1 else None


def _decimal_of(cell: str) -> str | None:
    digits = cell.lower().partition("e")[0]
    points, commas = digits.count(POINT), digits.count(COMMA)
    if points and commas:  # the last mark is that of the decimals
        return COMMA if digits.rfind(COMMA) > digits.rfind(POINT) else POINT
    if points > 1 or commas > 1:  # groups of thousands
        return COMMA if points > 1 else POINT
    if not points and not commas:
        return None
    mark = POINT if points else COMMA
    grouped = GROUPED[mark].fullmatch(digits) and not digits.lstrip("+-").startswith("0")
    return None if grouped else mark


def _thousands(columns: list[list[str]], decimal: str) -> str:
    """Return the mark by which some column's numbers are in groups of three, "" if none is."""
    for mark, grouped in GROUPED.items():
        if mark == decimal:
            continue
        whole = [[cell.partition(decimal)[0] for cell in column] for column in columns]
        if any(any(map(grouped.fullmatch, column)) and all(_fits(cell, mark) for cell in column) for column in whole):
            return mark
    return ""


def _fits(whole: str, mark: str) -> bool:
    return GROUPED[mark].fullmatch(whole) is not None or whole.lstrip("+-").isdigit() or not whole
