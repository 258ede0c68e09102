"""The first sheet of an Excel workbook. Of a formula, the value is read that Excel has stored; macros are never run."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slipway.data.tables.texts import text
from slipway.rows.uploads import ReadTask
from slipway.scoring.uploads.marks import plain
from slipway.scoring.uploads.tables import OpenedTable, WrongFileError

WORKBOOK = "xl/workbook.xml"
UNPACKED = 1 << 30  # bytes; a bomb unpacks to more
MOST_BLANK = 10_000  # rows without a cell, after which a sheet is over


def workbook_table(path: Path, task: ReadTask) -> OpenedTable:
    """Open the first sheet of a workbook. Its numbers and dates have types; a text that spells a number is read as one of a text file."""
    refuse_archive(path)
    rows = sheet_rows(path)
    names = [text(value).strip() for value in next(rows, ())]
    if not names:
        raise WrongFileError("empty")
    numeric = {place for place, name in enumerate(names) if name in task.numeric}
    return OpenedTable(names, ([_cell(value, place in numeric, task) for place, value in enumerate(row)] for row in rows))


def _cell(value: Any, numeric: bool, task: ReadTask) -> str:
    return plain(value, task.decimal, task.language) if numeric and isinstance(value, str) else text(value)


def refuse_archive(path: Path) -> None:
    """Refuse an archive that is no workbook, or that would unpack to more than a sheet may have."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if WORKBOOK not in {member.filename for member in members}:
        raise WrongFileError("archive")
    if sum(member.file_size for member in members) > UNPACKED:
        raise WrongFileError("too_large")


def sheet_rows(path: Path) -> Iterator[list[Any]]:
    """Yield the rows that are not blank, without the empty cells at their end."""
    from openpyxl import load_workbook

    blank = 0
    with path.open("rb") as file:
        sheets = load_workbook(file, read_only=True, data_only=True, keep_links=False).worksheets
        if not sheets:
            raise WrongFileError("empty")
        sheets[0].reset_dimensions()  # what a file says about its size may be wrong
        for values in sheets[0].iter_rows(values_only=True):
            row = list(values)
            while row and row[-1] in (None, ""):
                row.pop()
            if row:
                blank = 0
                yield row
            elif (blank := blank + 1) > MOST_BLANK:
                return
