"""Decimal marks in the text cells of a file: 8.1 or 8,1. A number that can be read in two ways is refused with both readings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import cast

from slipway.pages.languages import Language
from slipway.pages.prediction.numbers import DECIMAL, GROUPED, MINUS, SEPARATORS, readings
from slipway.rows.uploads import Mark

MEMORY = 1 << 16  # cells: a column of numbers repeats most of them
EXPONENT = re.compile(r"[eE][+-]?[0-9]{1,3}$")


@lru_cache(MEMORY)
def certain_mark(cell: str) -> Mark:
    """Return the decimal mark of a cell where only that can be meant, as in 8,1 or 0.125; else ""."""
    digits = EXPONENT.sub("", cell.strip().translate(MINUS))
    if not DECIMAL.fullmatch(digits) or (GROUPED.fullmatch(digits) and digits == cell.strip().translate(MINUS)):
        return ""
    return "," if "," in digits else "."


def mark_of(cells: Iterable[str], separator: str) -> Mark:
    """Return the decimal mark of a file's numbers, "" if its cells leave it open.

    In a file with commas between its cells it is the point, unless a cell in quotes says otherwise: that is how programs write CSV.
    """
    found: set[Mark] = set()
    for cell in cells:
        if ("." in cell or "," in cell) and (mark := certain_mark(cell)):
            found.add(mark)
            if len(found) > 1:
                return ""
    if not found and separator == ",":
        return "."
    return found.pop() if found else ""


@lru_cache(MEMORY)
def plain(cell: str, decimal: Mark, language: str) -> str:
    """Return a number as plain CSV has it. Anything else stays as it is, so that the check reports it.

    A number that can be read in two ways gets its readings, which make it a text: "1.234 (1234? 1.234?)".
    """
    if cell.isdigit():  # nearly always, or a plain decimal
        return cell
    text = cell.strip().translate(MINUS)
    if GROUPED.fullmatch(text) and SEPARATORS.findall(text) != [decimal]:
        shown = " ".join(f"{reading}?" for reading in readings(text, cast(Language, language)))
        return f"{text} ({shown})"
    if "," in text and (DECIMAL.fullmatch(text) or certain_mark(text) == ","):
        return text.replace(",", ".")
    return text
