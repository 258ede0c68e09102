"""Parquet, read one chunk at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from slipway.errors import InvalidRowsError
from slipway.scoring.chunks import Chunk


class ParquetSource:
    """A Parquet file. Its cells have types: as in JSON, a text is not a number even if it spells one.

    Raises:
        InvalidRowsError: Arrow cannot read it.
    """

    spelled = False

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._opened() as file:
            self.schema = pa.schema([(field.name, _plain(field.type)) for field in file.schema_arrow])
            self._rows = file.metadata.num_rows

    def chunks(self, wanted: Sequence[str], size: int) -> Iterator[Chunk]:
        """Yield all rows in order, at most `size` at a time, with the wanted columns.

        Raises:
            InvalidRowsError: A part of it is damaged.
        """
        first = 0
        with self._opened() as file:
            batches = file.iter_batches(batch_size=size, columns=list(wanted), use_threads=False)
            while True:
                try:
                    cells = next(batches, None)
                except (pa.ArrowException, OSError) as error:
                    raise self._wrong(error) from None
                if cells is None:
                    return
                last = first + len(cells)
                yield Chunk(np.arange(first, last), _decoded(cells), last / self._rows)
                first = last

    def _opened(self) -> pyarrow.parquet.ParquetFile:
        try:
            return pyarrow.parquet.ParquetFile(self._path, pre_buffer=False)  # otherwise a whole row group is kept in memory
        except (pa.ArrowException, OSError) as error:
            raise self._wrong(error) from None

    def _wrong(self, error: Exception) -> InvalidRowsError:
        return InvalidRowsError(f"{self._path.name}: it cannot be read as Parquet ({error}). Nothing was written.")


def _plain(kind: Any) -> Any:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _decoded(cells: Any) -> Any:
    """Return a batch with texts instead of the indices by which pandas stores categories."""
    columns = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in cells.columns]
    return pa.record_batch(columns, names=cells.schema.names)
