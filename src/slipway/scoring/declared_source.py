"""A file in the kind and dialect that the model's file declares for its rows. It is read as a whole: memory grows with its rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from slipway.data.tables import csv_files, reading
from slipway.data.tables.errors import TableError
from slipway.data.tables.numbers import numbers
from slipway.data.tables.sniffing import begins_with_object, kind_by_signature
from slipway.errors import InvalidRowsError
from slipway.rows.checks import Violation
from slipway.scoring.chunks import Chunk
from slipway.spec import CSV, Excel, JSONLines, Parquet, Query, Table
from slipway.spec.tables import PLAIN_CSV


class DeclaredSource:
    """A CSV of another dialect, JSON lines, or a sheet of a workbook. Numbers with the declared marks become those of plain CSV.

    Args:
        numeric: The columns of numbers.
    Raises:
        InvalidRowsError: The file is damaged.
    """

    spelled = True

    def __init__(self, path: Path, table: Table, numeric: Collection[str]) -> None:
        self._path, self._table, self._numeric = path, table, set(numeric)
        try:
            found = reading.read(path, self._table)
        except TableError as error:
            raise InvalidRowsError(f"{path.name}: {error} Nothing was written.") from None
        self._text = found[(found != "").any(axis=1)]
        self.schema = pa.schema([(str(name), pa.string()) for name in found])

    def chunks(self, wanted: Sequence[str], size: int) -> Iterator[Chunk]:
        """Yield all rows in order, at most `size` at a time, with the wanted columns as texts."""
        rows = len(self._text)
        for first in range(0, rows, size):
            part = self._text.iloc[first : first + size]
            columns = {name: pa.array(part[name], pa.string()) for name in wanted}
            wrong: dict[int, Violation] = {}
            for name in self._numeric & set(wanted):
                columns[name] = self._plain(part[name], first, wrong)
            good = np.ones(len(part), dtype=np.bool_)
            good[[row - first for row in wrong]] = False
            cells = pa.record_batch([column.filter(pa.array(good)) for column in columns.values()], names=list(columns))
            numbered = first + np.flatnonzero(good).astype(np.int64)
            yield Chunk(numbered, cells, min(first + size, rows) / rows, [wrong[row] for row in sorted(wrong)])

    def _plain(self, cells: Any, first: int, wrong: dict[int, Violation]) -> Any:
        """Return the numbers of a column as plain CSV has them; a cell that breaks the declared marks makes its row wrong."""
        if not isinstance(self._table, CSV) or (self._table.decimal == "." and not self._table.thousands):
            return pa.array(cells, pa.string())
        values = numbers(cells, self._table.decimal, self._table.thousands)
        for place in np.flatnonzero(values.isna() & (cells.str.strip() != "")).tolist():
            expected = f"a number with {self._table.decimal!r} as its decimal mark"
            wrong.setdefault(first + place, Violation(first + place, str(cells.name), expected, repr(cells.iloc[place])))
        return pa.array(values, pa.float64(), from_pandas=True).cast(pa.string()).fill_null("")


def is_declared(path: Path, table: Table, wanted: Collection[str]) -> bool:
    """Return whether a file is a table of the declared kind and dialect, if that is not plain CSV or Parquet, with these columns if CSV."""
    if isinstance(table, CSV):
        return table != PLAIN_CSV and _has_columns(path, table, wanted)
    return not isinstance(table, Parquet) and _is_of_kind(path, table)


def _is_of_kind(path: Path, table: Table) -> bool:
    try:
        found = kind_by_signature(path)
    except TableError:  # an archive, or an old workbook
        return False
    if isinstance(table, Excel):
        return isinstance(found, Excel)
    return isinstance(table, JSONLines | Query) and found is None and begins_with_object(path)


def _has_columns(path: Path, table: CSV, names: Collection[str]) -> bool:
    try:
        there = csv_files.names(path, table)
    except TableError:
        return False
    return set(names) <= set(there)
