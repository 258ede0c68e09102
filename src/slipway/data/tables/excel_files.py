"""Reading one sheet of an Excel workbook, with openpyxl. Of a formula, the value is read that Excel has stored."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.data.tables.errors import TableError
from slipway.spec.tables import Excel

if TYPE_CHECKING:
    import pandas as pd

Row = tuple[int, list[str]]


def read(path: Path, table: Excel) -> pd.DataFrame:
    """Return all rows below the names; the index has the number of each row in the sheet, and is named "row".

    Raises:
        TableError: There is no such sheet, it has no names, or more cells than names.
    """
    import pyarrow as pa

    from slipway.data.tables.texts import TEXT, frame

    rows = _rows(path, table)
    _, names = next(rows, (0, []))
    if not names:
        raise TableError("the file is empty; a header and rows were expected.")
    if "" in names or len(set(names)) < len(names):
        raise TableError(f"{path.name}: the columns need different names, and each needs one; received {names}.")
    numbers, cells = [], []
    for number, row in rows:
        if len(row) > len(names):
            raise TableError(f"{path.name}: row {number} has {len(row)} cells, but the sheet has {len(names)} names.")
        numbers.append(number)
        cells.append(row + [""] * (len(names) - len(row)))
    columns = list(zip(*cells, strict=True)) or [()] * len(names)
    return frame({name: pa.array(column, TEXT) for name, column in zip(names, columns, strict=True)}, numbers, "row")


def rows_in(path: Path, table: Excel) -> int:
    """Return the number of rows below the names."""
    return max(sum(1 for _ in _rows(path, table)) - 1, 0)


def _rows(path: Path, table: Excel) -> Iterator[Row]:
    """Yield the rows that are not empty, without the empty cells at their end, and their numbers in the sheet."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    from slipway.data.tables.texts import text

    try:
        with path.open("rb") as file:  # by its content, whatever it is called
            workbook = load_workbook(file, read_only=True, data_only=True)
            for number, values in enumerate(_sheet(path, workbook, table).iter_rows(values_only=True), start=1):
                row = [text(value) for value in values]
                while row and not row[-1]:
                    row.pop()
                if row:
                    yield number, row
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError) as error:
        raise TableError(f"{path.name} cannot be read as an Excel workbook: {error}.") from None


def _sheet(path: Path, workbook: Any, table: Excel) -> Any:
    names = workbook.sheetnames
    if isinstance(table.sheet, str) and table.sheet in names:
        return workbook[table.sheet]
    if isinstance(table.sheet, int) and 0 <= table.sheet < len(names):
        return workbook.worksheets[table.sheet]
    raise TableError(f"{path.name} has no sheet {table.sheet!r}; it has {names}. Write one of them in its Excel(...).")
