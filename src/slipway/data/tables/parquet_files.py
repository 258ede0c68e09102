"""Reading Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet

from slipway.data.tables import texts
from slipway.data.tables.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

PART = 65_536  # rows that are in memory at a time
ROW_NAMES = re.compile(r"__index_level_\d+__")  # pandas keeps the names of rows so; they are no column of the data


def read(path: Path) -> pd.DataFrame:
    """Return all rows, numbered from 1; the index is named "row"."""
    try:
        table = pyarrow.parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{path.name} cannot be read as Parquet: {error}.") from None
    names = [name for name in table.column_names if not ROW_NAMES.fullmatch(name)]
    if len(set(names)) < len(names):
        raise TableError(f"{path.name} has a column name twice: {names}.")
    return texts.frame({name: table.column(name).combine_chunks() for name in names}, range(1, table.num_rows + 1), "row")


def parts(path: Path) -> Iterator[pd.DataFrame]:
    """Yield all rows in parts, numbered as `read` does."""
    first = 1
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = [name for name in file.schema_arrow.names if not ROW_NAMES.fullmatch(name)]
            if len(set(names)) < len(names):
                raise TableError(f"{path.name} has a column name twice: {names}.")
            for batch in file.iter_batches(PART):
                yield texts.frame({name: batch.column(name) for name in names}, range(first, first + batch.num_rows), "row")
                first += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{path.name} cannot be read as Parquet: {error}.") from None


def rows_in(path: Path) -> int:
    """Return the number of rows."""
    try:
        return int(pyarrow.parquet.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{path.name} cannot be read as Parquet: {error}.") from None
