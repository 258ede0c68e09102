"""The dialect of a CSV, found from its first lines: separator, quotation mark, header, comments, and the marks in numbers."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from slipway.data.tables.marks import is_date, is_number, marks
from slipway.spec.tables import CSV

SEPARATORS = (",", ";", "\t", "|")
COMMENTS = ("#", "%", "//")
MOST_ROWS = 2_000  # that are looked at
MOST_BEFORE = 20  # lines before the header
EXCELS_HINT = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # Excel writes it as the first line for itself
YEAR = re.compile(r"(19|20)\d\d")

Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class Parsed:
    """The rows by one separator and quotation mark, and how well they fit it: from 0 to 1."""

    separator: str
    quote: str
    rows: Rows
    width: int
    fit: float


def dialect(text: str, encoding: str) -> CSV:
    """Return the dialect of the first lines of a file."""
    lines = list(io.StringIO(text))
    if lines and (hint := EXCELS_HINT.fullmatch(lines[0])):
        best, skip = _parsed(lines[1:], hint[1], '"'), 1
        comment = ""
    else:
        comment = _comment(lines)
        kept = [line for line in lines if not (comment and line.startswith(comment))]
        best = _best(kept)
        skip = _before(kept, best) if not comment else 0
        best = _parsed(kept[skip:], best.separator, best.quote)
    header = _has_header(best.rows)
    decimal, thousands = marks(zip(*(row for row in best.rows[header:] if len(row) == best.width), strict=True), best.separator)
    return CSV(
        separator=best.separator,
        decimal=decimal,
        thousands=thousands,
        quote=best.quote,
        encoding=encoding,
        header=header,
        comment=comment,
        names=() if header else tuple(f"column_{number}" for number in range(1, best.width + 1)),
        skip=skip,
    )


def _comment(lines: Sequence[str]) -> str:
    """Return the mark of comments. A single line "#id,name" with as many cells as the others is a header."""
    for mark in COMMENTS:
        marked = [line for line in lines if line.startswith(mark)]
        others = [line for line in lines if line.strip() and not line.startswith(mark)]
        if not marked or len(marked) > len(others):
            continue
        if len(marked) > 1 or not _is_header_of(marked[0], others[:MOST_ROWS]):
            return mark
    return ""


def _is_header_of(line: str, others: Sequence[str]) -> bool:
    best = _best(others)
    return best.width > 1 and len(next(csv.reader([line], delimiter=best.separator))) == best.width


def _best(lines: Sequence[str]) -> Parsed:
    """Return the separator and quotation mark that fit best; a comma if none divides anything.

    Spaces divide texts too, so they divide cells only where nothing else does, and every line has as many.
    """
    quotes = _quotes(lines)
    best = _fittest([_parsed(lines, separator, quote) for quote in quotes for separator in SEPARATORS])
    if best.width > 1:
        return best
    spaced = _fittest([_parsed(lines, " ", quote) for quote in quotes])
    return spaced if spaced.width > 1 and len(spaced.rows) > 2 and all(len(row) == spaced.width for row in spaced.rows) else best


def _fittest(tried: list[Parsed]) -> Parsed:
    return max(tried, key=lambda parsed: (parsed.width > 1, round(parsed.fit, 3)))


def _quotes(lines: Sequence[str]) -> tuple[str, ...]:
    text = "".join(lines[:MOST_ROWS])
    single = len(re.findall(r"(?:^|[,;\t| ])'[^'\n]*'(?=[,;\t| ]|$)", text, re.MULTILINE))
    if '"' not in text:
        return ("'", '"') if single > 1 else ('"',)
    return ('"', "")


def _parsed(lines: Iterable[str], separator: str, quote: str) -> Parsed:
    source = io.StringIO("".join(lines), newline="")
    if quote:
        reader = csv.reader(source, delimiter=separator, quotechar=quote)
    else:
        reader = csv.reader(source, delimiter=separator, quoting=csv.QUOTE_NONE)
    try:
        rows = [row for row in islice(reader, MOST_ROWS) if any(cell.strip() for cell in row)]
    except csv.Error:  # a line end inside of a cell, or a cell of more than 128 kB
        return Parsed(separator, quote, [], 0, 0.0)
    if not rows:
        return Parsed(separator, quote, rows, 0, 0.0)
    width, times = max(Counter(map(len, rows)).items(), key=lambda pair: (pair[1], pair[0]))
    cells = [cell for row in rows[:200] for cell in row]
    clean = sum(_is_clean(cell, separator, quote) for cell in cells) / len(cells)
    return Parsed(separator, quote, rows, width, (times / len(rows)) ** 2 * clean)


def _is_clean(cell: str, separator: str, quote: str) -> bool:
    """Return whether a cell looks whole: a number, a date, or a text without marks that divide cells or enclose them."""
    if not cell or is_number(cell) or is_date(cell):
        return True
    if "\n" in cell or (not quote and cell.startswith('"') and cell.endswith('"')):
        return False
    return not any(re.search(rf"{re.escape(other)}\S", cell) for other in SEPARATORS if other != separator)


def _before(lines: Sequence[str], parsed: Parsed) -> int:
    """Return how many lines come before the header: titles and blank lines, which have hardly any cells."""
    if parsed.width < 2:
        return 0
    for number, line in enumerate(lines[:MOST_BEFORE]):
        row = next(csv.reader([line], delimiter=parsed.separator), [])
        if len(row) == parsed.width or (len([cell for cell in row if cell.strip()]) > 1 and 2 * len(row) > parsed.width):
            return number
    return 0


def _has_header(rows: Rows) -> bool:
    """Return whether the first row names the columns: it differs from the rows below in kind, or is never repeated in its column."""
    if len(rows) < 2:
        return True
    first, below = rows[0], rows[1:]
    unnamed = [name for name in first if not name.strip()]  # pandas leaves out the name of the rows' own names
    if len(set(first)) < len(first) or len(unnamed) > 1:
        return False
    if any(map(YEAR.fullmatch, first)) and not any((is_number(name) or is_date(name)) and not YEAR.fullmatch(name) for name in first):
        return not all(map(YEAR.fullmatch, first))  # a column a year
    votes = 0
    for place, name in enumerate(first):
        if not name.strip():
            continue
        cells = [row[place].strip() for row in below if len(row) > place and row[place].strip()]
        typed = bool(cells) and sum(is_number(cell) or is_date(cell) for cell in cells) >= 0.8 * len(cells)
        if typed:
            votes += -1 if is_number(name) or is_date(name) else 1
        elif name.strip() in cells:
            votes -= 1
    return votes > 0 or (votes == 0 and not any(is_number(name) or is_date(name) for name in first))
