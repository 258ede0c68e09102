"""CSV as the gateway accepts it: UTF-8, commas, names in the first line.

Arrow parses many lines at once, as long as they have no quotes and each has all its cells. From the first quote on, and for blocks
with incomplete lines, Python's own parser reads them, as in the gateway: it is slower, but finds where each row ends.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv

from slipway.errors import InvalidRowsError
from slipway.rows.checks import Violation
from slipway.scoring.chunks import Chunk

QUOTE = b'"'


class CsvSource:
    """A CSV file. Making it reads the header.

    Raises:
        InvalidRowsError: The file is empty, or its first line is not CSV in UTF-8.
    """

    spelled = True

    def __init__(self, path: Path) -> None:
        self._path, self._size = path, path.stat().st_size
        with path.open("rb") as file:
            self.names = self._header(file)
            self._begin = file.tell()
        self.schema = pa.schema([(name, pa.string()) for name in self.names])

    def chunks(self, wanted: Sequence[str], size: int) -> Iterator[Chunk]:
        """Yield all rows in order, at most `size` at a time, with the wanted columns as texts.

        Raises:
            InvalidRowsError: A line is not CSV in UTF-8.
        """
        first = 0
        with self._path.open("rb") as file:
            file.seek(self._begin)
            while True:
                begin = file.tell()
                block = b"".join(islice(file, size))
                if not block:
                    return
                if QUOTE in block:  # a quoted cell may contain line ends, so rows can only be found from the beginning
                    file.seek(begin)
                    yield from self._carefully(io.TextIOWrapper(file, "utf-8", newline=""), wanted, size, first, file)
                    return
                if (cells := self._quickly(block, wanted)) is not None:
                    chunks: Iterable[Chunk] = [Chunk(np.arange(first, first + len(cells)), cells, file.tell() / self._size)]
                else:
                    chunks = self._carefully(self._decoded(block, first), wanted, size, first, file)
                for chunk in chunks:
                    first += len(chunk.rows) + len(chunk.broken)
                    yield chunk

    def _header(self, file: BinaryIO) -> list[str]:
        lines = (line.decode("utf-8-sig") for line in iter(file.readline, b""))
        try:
            names = next((line for line in csv.reader(lines, strict=True) if line), None)
        except (csv.Error, UnicodeDecodeError) as error:
            raise self._wrong(f"its first line is not CSV in UTF-8 ({error})") from None
        if names is None:
            raise self._wrong("it is empty; the column names were expected in its first line")
        return names

    def _quickly(self, block: bytes, wanted: Sequence[str]) -> Any | None:
        """Return the rows of complete lines without quotes, None if a line lacks cells, has too many, or is not in UTF-8."""
        try:
            table = pyarrow.csv.read_csv(
                pa.py_buffer(block),
                read_options=pyarrow.csv.ReadOptions(column_names=self.names, use_threads=False, block_size=len(block) + 1),
                parse_options=pyarrow.csv.ParseOptions(quote_char=False),
                convert_options=pyarrow.csv.ConvertOptions(
                    include_columns=list(wanted), column_types={name: pa.string() for name in wanted}, strings_can_be_null=False
                ),
            )
        except pa.ArrowInvalid:
            return None
        return _batch(table)

    def _decoded(self, block: bytes, first: int) -> io.StringIO:
        try:
            return io.StringIO(block.decode(), newline="")
        except UnicodeDecodeError as error:
            raise self._wrong(f"after row {first}, it is not in UTF-8 ({error}); save it as CSV UTF-8") from None

    def _carefully(self, lines: Iterable[str], wanted: Sequence[str], size: int, first: int, file: BinaryIO) -> Iterator[Chunk]:
        rows = (row for row in csv.reader(lines, strict=True) if row)
        while True:
            try:
                some = list(islice(rows, size))
            except (csv.Error, UnicodeDecodeError) as error:
                raise self._wrong(f"after row {first}, it is not CSV in UTF-8 ({error})") from None
            if not some:
                return
            yield self._chunk(some, wanted, first, file.tell() / self._size)
            first += len(some)

    def _chunk(self, rows: list[list[str]], wanted: Sequence[str], first: int, read: float) -> Chunk:
        width = len(self.names)
        complete = [place for place, row in enumerate(rows) if len(row) == width]
        broken = [
            Violation(first + place, None, expected=f"{width} cells", received=f"{len(row)} cells")
            for place, row in enumerate(rows)
            if len(row) != width
        ]
        columns = list(zip(*(rows[place] for place in complete), strict=True)) or [()] * width
        cells = [pa.array(columns[self.names.index(name)], pa.string()) for name in wanted]
        numbers = first + np.array(complete, dtype=np.int64)
        return Chunk(rows=numbers, cells=pa.record_batch(cells, names=list(wanted)), read=read, broken=broken)

    def _wrong(self, why: str) -> InvalidRowsError:
        return InvalidRowsError(f"{self._path.name}: {why}. Nothing was written.")


def _batch(table: Any) -> Any:
    """Return a table as one record batch."""
    return pa.record_batch([column.combine_chunks() for column in table.columns], schema=table.schema)
