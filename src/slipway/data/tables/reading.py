"""Reading a file of any kind into texts: the cells as the file has them, whatever it calls them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.data.tables import csv_files, differences, excel_files, json_lines
from slipway.data.tables.errors import TableError
from slipway.spec.tables import CSV, Excel, Parquet, Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd


def read(path: Path, table: Table) -> pd.DataFrame:
    """Return the rows as texts; the index has the number of each line or row in the file, and is named "line" or "row".

    Raises:
        TableError: The file is damaged, or not the declared table; the reasons say what to write in the model's file instead.
    """
    if (other := differences.other_kind(path, table)) is not None:
        raise TableError(other)
    if isinstance(table, CSV):
        return _read_csv(path, table)
    if isinstance(table, Parquet):
        from slipway.data.tables import parquet_files

        return parquet_files.read(path)
    return excel_files.read(path, table) if isinstance(table, Excel) else json_lines.read(path)


def _read_csv(path: Path, declared: CSV) -> pd.DataFrame:
    try:
        text = csv_files.read(path, declared)
    except TableError as error:
        raise TableError(*(differences.other_dialect(path, declared) or error.reasons)) from None
    if (other := differences.unnoticed_encoding(path, declared)) is not None:
        raise TableError(other)
    if not declared.header and len(text) and text.iloc[0].tolist() == list(declared.names):
        raise TableError(differences.other_header(path))
    return with_empty_cells(text, declared.missing) if declared.missing else text


def with_empty_cells(text: pd.DataFrame, marks: Collection[str]) -> pd.DataFrame:
    """Return the rows with an empty text for each cell that has one of the marks."""
    for name in text:
        marked = text[name].str.strip().isin(marks)
        if marked.any():
            text[name] = text[name].mask(marked, "")
    return text


def blank(text: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which rows have nothing in any cell; most files are known to have none after a column or two."""
    import numpy as np

    found = np.ones(len(text), dtype=np.bool_)
    for name in text:
        found &= (text[name] == "").to_numpy(dtype=np.bool_)
        if not found.any():
            break
    return found


def rows_in(path: Path, table: Table) -> int:
    """Return the number of rows, quickly: a CSV may have a few less, if some of its lines are blank.

    Raises:
        TableError: The file is damaged, or not of the declared kind.
    """
    if (other := differences.other_kind(path, table)) is not None:
        raise TableError(other)
    if isinstance(table, CSV):
        return csv_files.rows_in(path, table)
    if isinstance(table, Parquet):
        from slipway.data.tables import parquet_files

        return parquet_files.rows_in(path)
    return excel_files.rows_in(path, table) if isinstance(table, Excel) else json_lines.rows_in(path)
