"""Reading CSV in the declared dialect. Cells are texts, exactly as the file has them."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.data.tables.errors import TableError
from slipway.spec.tables import CSV

if TYPE_CHECKING:
    import pandas as pd

GZIP = b"\x1f\x8b"
BLOCK = 1 << 20  # bytes


def compressed(path: Path) -> bool:
    """Return whether a file is compressed with gzip."""
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def opened(path: Path) -> gzip.GzipFile | io.BufferedReader:
    """Open a file for reading bytes, which are decompressed if it is compressed with gzip."""
    return gzip.open(path, "rb") if compressed(path) else path.open("rb")


def encoding_of(dialect: CSV) -> str:
    """Return the encoding to read with; a byte order mark in UTF-8 is no part of the first name."""
    return "utf-8-sig" if codecs.lookup(dialect.encoding).name == "utf-8" else dialect.encoding


def read(path: Path, dialect: CSV) -> pd.DataFrame:
    """Return all rows, blank ones too; the index is the number of each line, and is named "line".

    Arrow reads a file whose rows all have as many cells as the header: in a third of the time and memory. pandas reads the others, and says
    what is wrong with them.

    Raises:
        TableError: The file is empty, damaged, not CSV, or in another encoding.
    """
    import pandas as pd

    with _explained(path, dialect):
        source, before = _source(path, dialect)
        found = _with_pandas(source, before, dialect, rows=0).columns
        text = _with_arrow(path, before, dialect, found) if isinstance(source, Path) else None
        if text is None:
            text = _with_pandas(source, before, dialect)
    if len(text) and not isinstance(text.index, pd.RangeIndex):  # pandas took the first column as the index
        raise TableError("the rows have more cells than the header has columns.")
    first = before + dialect.header + 1
    text.index = pd.RangeIndex(first, first + len(text), name="line")
    return text


def names(path: Path, dialect: CSV) -> list[str]:
    """Return the names of the columns; none if there is no header, and the first row has more or fewer cells than the declared names.

    Raises:
        TableError: The file is empty, damaged, or in another encoding.
    """
    with _explained(path, dialect):
        source, before = _source(path, dialect)
        if dialect.header:
            return list(_with_pandas(source, before, dialect, rows=0).columns)
        with _lines(path, dialect) as lines:
            rows = csv.reader(islice(lines, before, None), delimiter=dialect.separator, quotechar=dialect.quote or '"')
            return list(dialect.names) if len(next(rows, [])) == len(dialect.names) else []


@contextmanager
def _explained(path: Path, dialect: CSV) -> Iterator[None]:
    """Turn the errors of the libraries into ours."""
    import pandas as pd

    try:
        yield
    except pd.errors.EmptyDataError:
        raise TableError("the file is empty; a header and rows were expected.") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise TableError(f"the file is not CSV in {shown_encoding(dialect)}: {str(error).strip()}.") from None
    except (gzip.BadGzipFile, EOFError) as error:
        raise TableError(f"{path.name} is damaged: {error}.") from None


def _with_pandas(source: Any, before: int, dialect: CSV, rows: int | None = None) -> pd.DataFrame:
    import pandas as pd

    if isinstance(source, io.StringIO):
        source.seek(0)
    found: pd.DataFrame = pd.read_csv(
        source,
        sep=dialect.separator,
        dtype=str,
        keep_default_na=False,
        header=0 if dialect.header else None,
        names=None if dialect.header else list(dialect.names),
        nrows=rows,
        encoding=encoding_of(dialect),
        compression="gzip" if isinstance(source, Path) and compressed(source) else None,
        quotechar=dialect.quote or '"',
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        skiprows=before,
        skip_blank_lines=False,
    )
    return found


def _with_arrow(path: Path, before: int, dialect: CSV, names: pd.Index[str]) -> pd.DataFrame | None:
    """Return the rows, None if one has more or fewer cells than the header, or if Arrow cannot read the file for another reason."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.csv

    if names.empty or any("\n" in name or "\r" in name for name in names):  # Arrow leaves out one line, and this header has several
        return None
    text = pa.large_string()
    try:
        with pa.OSFile(str(path)) as file:
            table = pyarrow.csv.read_csv(
                pa.CompressedInputStream(file, "gzip") if compressed(path) else file,
                pyarrow.csv.ReadOptions(column_names=list(names), skip_rows=before + dialect.header, encoding=_arrows_name(dialect)),
                pyarrow.csv.ParseOptions(
                    delimiter=dialect.separator, quote_char=dialect.quote or False, newlines_in_values=True, ignore_empty_lines=False
                ),
                pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, text), strings_can_be_null=False),
            )
    except (pa.ArrowException, OSError, UnicodeError):
        return None
    if dialect.quote and table.num_rows and _left_open(path, dialect, table.column(table.num_columns - 1)[-1].as_py()):
        return None
    kind: Any = pd.StringDtype("pyarrow", na_value=np.nan)
    return pd.DataFrame({name: kind.__from_arrow__(table.column(name)) for name in names})


def _left_open(path: Path, dialect: CSV, last: str) -> bool:
    """Return whether the last cell may have a quote that nothing closes, as in a file that was cut off: Arrow takes it for a whole cell."""
    open_cell = dialect.quote + last.replace(dialect.quote, 2 * dialect.quote)
    raw = open_cell.encode(dialect.encoding).removeprefix("".encode(dialect.encoding))  # without a byte order mark
    with opened(path) as file:
        if isinstance(file, io.BufferedReader):
            file.seek(max(0, file.seek(0, io.SEEK_END) - len(raw)))
        end = b""
        while block := file.read(BLOCK):
            end = (end + block)[-len(raw) :]
    return end == raw


def _arrows_name(dialect: CSV) -> str:
    name = codecs.lookup(dialect.encoding).name
    return "utf8" if name == "utf-8" else name


def shown_encoding(dialect: CSV) -> str:
    """Return the name of the encoding as people write it."""
    return dialect.encoding.upper() if dialect.encoding.lower().startswith("utf") else dialect.encoding


def rows_in(path: Path, dialect: CSV) -> int:
    """Return the number of lines that are rows, without parsing them.

    Raises:
        TableError: The file is damaged.
    """
    try:
        with opened(path) as file:
            if not dialect.comment:
                lines = sum(1 for _ in file)
            else:
                texts = io.TextIOWrapper(file, encoding_of(dialect), errors="replace", newline="")
                lines = sum(1 for line in texts if not line.startswith(dialect.comment))
    except (gzip.BadGzipFile, EOFError) as error:
        raise TableError(f"{path.name} is damaged: {error}.") from None
    return lines - dialect.header - dialect.skip


def _lines(path: Path, dialect: CSV) -> io.TextIOWrapper:
    return io.TextIOWrapper(opened(path), encoding_of(dialect), newline="")


def _source(path: Path, dialect: CSV) -> tuple[Any, int]:
    """Return what pandas is to read, and the number of lines before the header or the first row."""
    if not dialect.comment:
        return path, dialect.skip
    with _lines(path, dialect) as lines:
        # comments become blank lines, so that the numbers of the other lines stay
        kept = [line if not line.startswith(dialect.comment) else "\n" for line in lines]
    before = dialect.skip
    while before < len(kept) and not kept[before].strip():
        before += 1
    return io.StringIO("".join(kept)), before
