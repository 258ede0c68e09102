"""Lines and tables as a terminal of some width shows them; no name, address or command is broken in two."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

SENTENCE = 80  # columns, at most: longer lines are hard to read
GAP = "  "
LEAST = 24  # columns that a cell of several words gets before its column moves below the row
QUOTED = re.compile(r"`[^`\n]{1,60}`")
KEPT = "\0"  # stands for a space at which a line must not end

Row = Sequence[str]


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Return the lines of a text, each at most so wide unless a single word is wider. Lines go on under their own first word."""
    lines = []
    for line in text.splitlines() or [""]:
        begin = re.match(r"\s*", line)[0]  # type: ignore[index]
        kept = QUOTED.sub(lambda quoted: quoted[0].replace(" ", KEPT), line[len(begin) :])
        found = textwrap.wrap(
            kept,
            width,
            initial_indent=begin,
            subsequent_indent=begin + indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        lines += [part.replace(KEPT, " ") for part in found] or [""]
    return lines


def tabs(columns: Row, rows: Sequence[Row]) -> list[str]:
    """Return a table for a program: a line for each row, its cells separated by tabs."""
    return ["\t".join(" ".join(cell.split()) for cell in row) for row in (columns, *rows)]


def table(columns: Row, rows: Sequence[Row], width: int) -> list[str]:
    """Return a table for a person. Columns that do not fit side by side are written below each row, from the last one on."""
    cells = [[wrapped(cell, 10_000) for cell in row] for row in (columns, *rows)]
    beside = len(columns)
    while beside > 1 and sum(least := [_least(column) for column in _columns(cells, beside)]) + len(GAP) * (beside - 1) > width:
        beside -= 1
    widths = _widths([_widest(column) for column in _columns(cells, beside)], least, width - len(GAP) * (beside - 1))
    lines = _side_by_side(columns[:beside], widths)
    for row in rows:
        lines += _side_by_side(row[:beside], widths)
        for name, cell in zip(columns[beside:], row[beside:], strict=True):
            lines += wrapped(f"{GAP}{name}: {cell}", width, GAP) if cell else []
    return lines


def _columns(cells: Sequence[Sequence[list[str]]], count: int) -> list[list[str]]:
    """Return the lines of each of the first columns."""
    return [[line for row in cells for line in row[column]] for column in range(count)]


def _widest(lines: Sequence[str]) -> int:
    return max(map(len, lines))


def _least(lines: Sequence[str]) -> int:
    longest = max((len(word) for line in lines for word in line.split()), default=0)
    return max(longest, min(_widest(lines), LEAST))


def _widths(wanted: list[int], least: Sequence[int], width: int) -> list[int]:
    """Return the columns' widths: as wanted, or less for those that can be narrower, the widest first, until all fit."""
    while sum(wanted) > width and (narrower := [column for column, size in enumerate(wanted) if size > least[column]]):
        wanted[max(narrower, key=lambda column: wanted[column] - least[column])] -= 1
    return wanted


def _side_by_side(row: Row, widths: Sequence[int]) -> list[str]:
    cells = [wrapped(cell, max(width, 1)) for cell, width in zip(row, widths, strict=True)]
    height = max(map(len, cells))
    padded = [cell + [""] * (height - len(cell)) for cell in cells]
    return [GAP.join(part.ljust(width) for part, width in zip(line, widths, strict=True)).rstrip() for line in zip(*padded, strict=True)]
