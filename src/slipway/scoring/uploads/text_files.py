"""CSV as programs and spreadsheets of all countries write it: commas, semicolons, tabs or bars; UTF-8, or UTF-16 with its mark.

The names in the first row decide about the separator: the model's own columns must be among them. So nothing is guessed from the cells.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from pathlib import Path

from slipway.rows.uploads import Mark, ReadTask
from slipway.scoring.uploads.marks import mark_of, plain
from slipway.scoring.uploads.tables import OpenedTable, WrongFileError, check_names, is_blank

SEPARATORS = (",", ";", "\t", "|")
EXCELS_HINT = re.compile(r"\s*sep=.\s*", re.IGNORECASE)  # Excel writes it as the first line for itself


def text_table(path: Path, task: ReadTask) -> OpenedTable:
    """Open a text file. The decimal mark is the one that the person chose, or that all numbers of the file agree with."""
    encoding = encoding_of(path)
    separator, names = first_row(path, encoding, task)
    check_names(names, task)
    numeric = [names.index(name) for name in task.numeric]
    decimal = task.decimal or mark_of(cells_of(rows_of(path, encoding, separator), numeric), separator)
    return OpenedTable(names, plain_rows(rows_of(path, encoding, separator), numeric, decimal, task.language), separator, decimal)


def encoding_of(path: Path) -> str:
    """Return UTF-16 for a file that begins with its mark, else UTF-8. In no other encoding a wrong guess would be noticed."""
    with path.open("rb") as file:
        begin = file.read(2)
    return "utf-16" if begin in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def first_row(path: Path, encoding: str, task: ReadTask) -> tuple[str, list[str]]:
    """Return the separator and the names: of all separators, the one with which most of the model's columns are found."""
    found: dict[str, list[str]] = {}
    for separator in SEPARATORS:
        try:
            found[separator] = [name.strip() for name in next(lines_of(path, encoding, separator), [])]
        except WrongFileError as error:
            if error.result.why != "no_csv":  # quotes that end in the middle of a cell: it has another separator
                raise
    if not found:
        raise WrongFileError("no_csv")
    best = max(found, key=lambda separator: (len(set(task.needed) & set(found[separator])), len(found[separator])))
    names = found[best]
    while names and not names[-1].strip("".join(SEPARATORS)):
        names.pop()
    if not names:
        raise WrongFileError("empty")
    return best, names


def rows_of(path: Path, encoding: str, separator: str) -> Iterator[list[str]]:
    """Yield the rows below the names."""
    lines = lines_of(path, encoding, separator)
    next(lines, None)
    return lines


def lines_of(path: Path, encoding: str, separator: str) -> Iterator[list[str]]:
    """Yield the rows that are not blank, names included."""
    with path.open(encoding=encoding, newline="") as file:
        begin = file.tell()
        if not EXCELS_HINT.fullmatch(_first_line(file)):
            file.seek(begin)
        try:
            yield from (row for row in csv.reader(file, delimiter=separator, strict=True) if not is_blank(row))
        except UnicodeError:
            raise WrongFileError("no_text") from None
        except csv.Error:
            raise WrongFileError("no_csv") from None


def _first_line(file: object) -> str:
    try:
        return str(file.readline(200))  # type: ignore[attr-defined]
    except UnicodeError:
        raise WrongFileError("no_text") from None


def cells_of(rows: Iterator[list[str]], places: list[int]) -> Iterator[str]:
    """Yield the cells in these places."""
    return (row[place] for row in rows for place in places if place < len(row))


def plain_rows(rows: Iterator[list[str]], numeric: list[int], decimal: Mark, language: str) -> Iterator[list[str]]:
    """Yield the rows with plain numbers."""
    for row in rows:
        for place in numeric:
            if place < len(row):
                row[place] = plain(row[place], decimal, language)
        yield row
