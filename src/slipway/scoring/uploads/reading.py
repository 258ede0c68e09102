"""A file of any kind becomes plain CSV: UTF-8, commas, decimal points. Every later step reads only that."""

from __future__ import annotations

import csv
import logging
import traceback
from pathlib import Path

from slipway.rows.uploads import ROWS, UPLOADED, ReadFile, Reading, ReadTask, Why, WrongFile
from slipway.scoring.uploads.tables import OpenedTable, WrongFileError, check_names, is_blank

SIGNATURES: dict[bytes, Why] = {b"\xd0\xcf\x11\xe0": "old_excel", b"\x1f\x8b": "compressed"}
PARQUET, ZIP = b"PAR1", b"PK\x03\x04"

logger = logging.getLogger(__name__)


def read(folder: Path, task: ReadTask) -> Reading:
    """Write the plain CSV of an uploaded file into its folder, without blank rows. Every other row keeps its place."""
    path = folder / UPLOADED
    try:
        table = opened(path, task)
        check_names(table.names, task)
        rows = write(folder / ROWS, table, task.most_rows)
    except WrongFileError as error:
        return error.result
    except MemoryError:
        return WrongFile("too_large")
    except Exception as error:  # what a library raises about a file that was made to break it is not known before
        place = traceback.extract_tb(error.__traceback__)[-1]
        logger.warning("a file could not be read: %s in %s, line %d", type(error).__name__, place.filename, place.lineno or 0)
        return WrongFile("damaged")
    return ReadFile(rows, tuple(table.names), (folder / ROWS).stat().st_size, table.separator, table.decimal)


def opened(path: Path, task: ReadTask) -> OpenedTable:
    """Open a file by its first bytes, whatever it is called."""
    with path.open("rb") as file:
        begin = file.read(4)
    for signature, why in SIGNATURES.items():
        if begin.startswith(signature):
            raise WrongFileError(why)
    if begin == PARQUET:
        from slipway.scoring.uploads.parquet_rows import parquet_table

        return parquet_table(path, task)
    if begin == ZIP:
        from slipway.scoring.uploads.workbooks import workbook_table

        return workbook_table(path, task)
    from slipway.scoring.uploads.text_files import text_table

    return text_table(path, task)


def write(path: Path, table: OpenedTable, most: int) -> int:
    """Write plain CSV and return the number of its rows."""
    width, rows = len(table.names), 0
    with path.open("x", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.names)
        for row in table.rows:
            while len(row) > width and not row[-1]:  # separators at the end of a line, as some programs write them
                row.pop()
            if is_blank(row):
                continue
            rows += 1
            if rows > most:
                raise WrongFileError("too_many_rows")
            writer.writerow(row)
    if not rows:
        raise WrongFileError("no_rows", table.names)
    return rows
