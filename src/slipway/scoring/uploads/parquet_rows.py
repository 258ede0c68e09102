"""Parquet, read some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet

from slipway.data.tables.parquet_files import ROW_NAMES
from slipway.data.tables.texts import text
from slipway.rows.uploads import ReadTask
from slipway.scoring.uploads.marks import plain
from slipway.scoring.uploads.tables import OpenedTable, WrongFileError

AT_ONCE = 1_000  # rows


def parquet_table(path: Path, task: ReadTask) -> OpenedTable:
    """Open a Parquet file. What it says about its size is checked before any of its rows is read."""
    file = pyarrow.parquet.ParquetFile(path, pre_buffer=False)
    if file.metadata.num_rows > task.most_rows:
        raise WrongFileError("too_many_rows")
    names = [name for name in file.schema_arrow.names if not ROW_NAMES.fullmatch(name)]
    return OpenedTable(names, _rows(file, names, task))


def _rows(file: Any, names: list[str], task: ReadTask) -> Iterator[list[str]]:
    numeric = {place for place, name in enumerate(names) if name in task.numeric}
    for batch in file.iter_batches(batch_size=AT_ONCE, columns=names, use_threads=False):
        for row in zip(*(batch.column(name).to_pylist() for name in names), strict=True):
            yield [_cell(value, place in numeric, task) for place, value in enumerate(row)]


def _cell(value: Any, numeric: bool, task: ReadTask) -> str:
    if isinstance(value, bytes):
        raise WrongFileError("no_text")
    return plain(value, task.decimal, task.language) if numeric and isinstance(value, str) else text(value)
