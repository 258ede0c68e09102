"""What a column is, by its cells alone: a number, a category, yes or no, a date, a text, or nothing that a model can learn from."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.drafting import dates
from slipway.drafting.findings import Found
from slipway.rows.spelling import BOOLEANS
from slipway.spec import Boolean, Category, Numeric, Text
from slipway.spec.texts import MOST_CHARACTERS

if TYPE_CHECKING:
    import pandas as pd

Numbers = Callable[["pd.Series[str]"], "pd.Series[float]"]  # the numbers that cells spell in the file's dialect

FEW = 20  # rows; with fewer, that all cells differ says nothing
RARE = 5  # rows; a value with fewer is learnt together with the others
MOST_VALUES = 50  # of a category, all of which the file lists; of more, those that are not rare
MOST_LISTED = 200  # of those that are not rare: the estimator of a draft has a column for each, with every zero written out
MOST_CELLS = 20_000_000  # of these columns; with many rows, fewer values are listed, but `MOST_VALUES` in any case
MOST_MARKS = 3
NOTHING = {
    "na",
    "n/a",
    "#n/a",
    "nan",
    "null",
    "none",
    "nil",
    "?",
    "-",
    "--",
    ".",
    "missing",
    "unknown",
    "not available",
    "nd",
    "s/d",
    "n.d.",
}
WORDS = 4  # a text with so many words on average is written freely
IDENTIFIER = re.compile(r"(^|[^a-z])(id|uuid|guid|key|nr|no|number|num|index|expediente|historia)([^a-z]|$)", re.IGNORECASE)
SUBJECT = re.compile(r"((^|[_\s.-])(id|uuid|guid)|[a-z]I[dD]|historia|expediente)$", re.IGNORECASE)
MOST_SUBJECTS = 0.8  # of the rows; with more, nearly every row is about another
CODE = re.compile(r"(code|codigo|código|cod|zip|postal|cp|icd|type|tipo|class|group|grupo|status)", re.IGNORECASE)
UNIT_IN_BRACKETS = re.compile(r"[(\[]\s*([^()\[\]]{1,20}?)\s*[)\]]\s*$")
UNITS = {
    "kg", "g", "mg", "cm", "mm", "m", "km", "l", "ml", "years", "yrs", "months", "weeks", "days", "hours", "minutes", "min", "seconds", "s",
    "h", "ms", "eur", "usd", "cop", "mmhg", "mm hg", "bpm", "percent", "pct", "kb", "mb", "gb", "kwh", "w", "v", "a", "hz",
}  # fmt: skip
SIGNS = ("/", "%", "°", "€", "$", "²", "³")  # a text in brackets with one of these is a unit


def found(cells: pd.Series[str], numbers: Numbers) -> Found:
    """Return what a column is.

    Args:
        cells: (n,) texts as the file has them, "" for an empty cell, n >= 1.
        numbers: Returns the numbers that cells spell, NaN for a cell that spells none.
    """
    name, filled = str(cells.name), cells[cells.str.strip() != ""]
    gaps = len(filled) < len(cells)
    different = filled.nunique()
    if different == 0:
        return Found(name, None, "no row has a value")
    if SUBJECT.search(name) and not gaps and FEW <= different < MOST_SUBJECTS * len(filled):
        return Found(name, None, "it names a person or a thing that several rows are about", groups=True)
    if different == 1 and not gaps:
        return Found(name, None, f"every row has the same value, {filled.iloc[0]!r}")
    values = numbers(filled)
    if not values.isna().any():
        return _number(name, cells, filled, values, different)
    if set(filled.str.strip().str.lower()) <= set(BOOLEANS):
        return Found(name, Boolean(spoken(name), missing=gaps), f"yes or no{_and_gaps(cells, filled)}")
    return _text(name, cells, filled, values, different)


def marks_of_missing(cells: pd.Series[str], numbers: Numbers) -> set[str]:
    """Return the texts of a column of numbers that are known to mean that the value is missing."""
    filled = cells[cells.str.strip() != ""]
    return {mark for mark in _among_numbers(filled, numbers(filled)) if mark.lower() in NOTHING}


def _among_numbers(filled: pd.Series[str], values: pd.Series[float]) -> list[str]:
    """Return the few texts of a column that has mostly numbers."""
    if not 0.5 < values.notna().mean() < 1:
        return []
    strange = sorted(filled[values.isna()].str.strip().unique())
    return strange if len(strange) <= MOST_MARKS else []


def _number(name: str, cells: pd.Series[str], filled: pd.Series[str], values: pd.Series[float], different: int) -> Found:
    gaps = len(filled) < len(cells)
    whole = bool((values % 1 == 0).all())
    low, high = float(values.min()), float(values.max())
    if different == len(values) >= FEW and whole and (IDENTIFIER.search(name) or high - low < 1.1 * len(values)):
        return Found(name, None, "it names the row: every value is different")
    shown = f"{low:g} to {high:g} in the file"
    kind = Numeric(*range_of(low, high), unit_of(name), spoken(name), integer=whole, missing=gaps)
    ask = ""
    if whole and different > 2 and CODE.search(name):
        ask = f"{name}: are its numbers codes, whose order means nothing? Then write nominal=True."
    elif _zero_stands_apart(values):
        ask = f"{name}: does 0 mean that it was not measured? Then write zero_is_missing=True."
    return Found(name, kind, f"{'whole numbers' if whole else 'numbers'}, {shown}{_and_gaps(cells, filled)}", ask)


def _dates(name: str, cells: pd.Series[str], filled: pd.Series[str], written: list[str]) -> Found:
    example = filled.iloc[0].strip()
    kind = dates.declared(spoken(name), written[0], missing=len(filled) < len(cells))
    ask = f"{name}: in {example}, is the day before the month? If not, write format={written[1]!r}." if len(written) > 1 else ""
    return Found(name, kind, f"dates, such as {example}{_and_gaps(cells, filled)}", ask)


def _text(name: str, cells: pd.Series[str], filled: pd.Series[str], values: pd.Series[float], different: int) -> Found:
    if written := dates.formats(filled):
        return _dates(name, cells, filled, written)
    if strange := _among_numbers(filled, values):
        marks = ", ".join(map(repr, strange))
        ask = f"{name}: do {marks} mean that the value is missing? Then write table=CSV(missing=({marks},)), and draft again."
        return Found(name, None, f"numbers, and the texts {marks}", ask)
    words = float(filled.str.count(r"\S+").mean())
    if different == len(filled) >= FEW or different > 0.9 * len(filled) >= FEW:
        return (
            _free(name, cells, filled, words) if words >= WORDS else Found(name, None, "it names the row: nearly every value is different")
        )
    counts = filled.value_counts()
    common = counts[counts >= RARE]
    most = max(MOST_VALUES, min(MOST_LISTED, MOST_CELLS // len(cells)))
    if many := len(common) > most:
        common = common.head(most)
    other = len(common) < len(counts)
    if words >= WORDS and len(common) < 2:
        return _free(name, cells, filled, words)
    if different <= MOST_VALUES and not other:
        kept = counts
    elif len(common) >= 2:
        kept = common
    else:
        kept, other = counts.head(MOST_VALUES), different > MOST_VALUES
    if len(kept) < 2:
        return Found(name, None, f"nearly every row has the same value, {counts.index[0]!r}")
    kind = Category(tuple(sorted(map(str, kept.index))), spoken(name), missing=len(filled) < len(cells), other=other)
    what = f"{len(counts):,} different texts{_and_gaps(cells, filled)}"
    if many:
        ask = f"{name}: only its {most} most frequent values are listed. Do others matter? List them too, and use a linear model or trees."
        return Found(name, kind, f"{what}; all but the {most} most frequent count as others", ask)
    return Found(name, kind, f"{what}; those in fewer than {RARE} rows count as others" if other else what)


def _free(name: str, cells: pd.Series[str], filled: pd.Series[str], words: float) -> Found:
    usual, longest = Text(spoken(name), missing=len(filled) < len(cells)), int(filled.str.len().max())
    kind = replace(usual, longest=min(int(_rounded_up(2 * longest)), MOST_CHARACTERS)) if 2 * longest > usual.longest else usual
    ask = (
        f"{name}: people write it freely, so it may name somebody, and the log keeps it. Is the model meant to see it? If not, exclude it."
    )
    return Found(name, kind, f"text that is written freely, {words:.0f} words on average{_and_gaps(cells, filled)}", ask)


def range_of(low: float, high: float) -> tuple[float, float]:
    """Return a range with a margin: what comes later may be further away, and what is far away is a typing mistake.

    From zero, if nothing is below it, to twice the highest value, rounded up to two digits; below zero likewise. 0 and 1 stay so.
    """
    if (low, high) == (0, 1):
        return 0, 1
    return (0 if low >= 0 else -_rounded_up(2 * -low)), (_rounded_up(2 * high) if high > 0 else 0 if low < 0 else 1)


def _rounded_up(number: float) -> float:
    step = 10.0 ** (math.floor(math.log10(number)) - 1)
    up = float(f"{math.ceil(number / step) * step:.2g}")
    return int(up) if up.is_integer() else up


def _zero_stands_apart(values: pd.Series[float]) -> bool:
    """Return whether some values are zero and all others are far above it, as if nobody had measured."""
    others = values[values != 0]
    if others.empty or (values < 0).any() or not 0 < (values == 0).mean() < 0.5:
        return False
    return bool(others.min() > 0.25 * others.median() and others.min() > 1)


def _and_gaps(cells: pd.Series[str], filled: pd.Series[str]) -> str:
    missing = len(cells) - len(filled)
    return f", {missing:,} of {len(cells):,} cells missing" if missing else ""


def unit_of(name: str) -> str:
    """Return the unit that a column's name says, in brackets or as its last word; "" if it says none."""
    if bracketed := _in_brackets(name):
        return bracketed
    if name.rstrip().endswith("%"):
        return "%"
    last = re.split(r"[_\s.-]", name)[-1]
    return last if last.lower() in UNITS and last != name else ""


def _in_brackets(name: str) -> str:
    found = UNIT_IN_BRACKETS.search(name)
    unit = found.group(1) if found else ""
    return unit if unit.lower() in UNITS or any(sign in unit for sign in SIGNS) else ""


def spoken(name: str) -> str:
    """Return a column's name as words: `blood_pressure` and `BloodPressure` are "Blood pressure"."""
    words = UNIT_IN_BRACKETS.sub("", name) if _in_brackets(name) else name
    if (unit := unit_of(name)) and words.endswith(unit) and words != unit:
        words = words.removesuffix(unit)
    words = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])", " ", words)
    words = re.sub(r"[_\s.-]+", " ", words).strip() or name
    parts = [word if word.isupper() else word.lower() for word in words.split()]
    said = " ".join(parts)
    return said[:1].upper() + said[1:]
