"""Finding out what kind of table a file is, and in which dialect, so that a model's file can say it."""

from __future__ import annotations

import codecs
import gzip
import json
import zipfile
from pathlib import Path

from slipway.data.tables import dialects
from slipway.data.tables.csv_files import encoding_of, opened
from slipway.data.tables.encodings import encoding
from slipway.data.tables.errors import TableError
from slipway.spec.tables import CSV, Excel, JSONLines, Parquet, Table

HEAD = 1 << 20  # bytes of a text that are looked at
OLD_EXCEL = b"\xd0\xcf\x11\xe0"
PARQUET, ZIP = b"PAR1", b"PK\x03\x04"


def sniffed(path: Path) -> Table:
    """Return the kind of table that a file is, with its dialect.

    Raises:
        TableError: It is empty, damaged, or of a kind that Slipway does not read.
    """
    if kind := kind_by_signature(path):
        return kind
    try:
        found = encoding(path)
        head = _head(path, found)
    except (gzip.BadGzipFile, EOFError) as error:
        raise TableError(f"{path.name} is damaged: {error}.") from None
    if not head.strip():
        raise TableError(f"{path.name} is empty; a header and rows were expected.")
    if head.lstrip().startswith("{") and _is_object(head.lstrip()):
        return JSONLines()
    if head.lstrip().startswith("[") and head.lstrip()[1:].lstrip().startswith("{"):
        raise TableError(f"{path.name} is one JSON array; write one JSON object a line.")
    return dialects.dialect(head, found)


def begins_with_object(path: Path) -> bool:
    """Return whether the first line of a file is a JSON object."""
    try:
        return _is_object(_head(path, "utf-8").lstrip())
    except (gzip.BadGzipFile, EOFError):
        return False


def kind_by_signature(path: Path) -> Table | None:
    """Return the kind of a file that is not text, None for a text.

    Raises:
        TableError: It is an old Excel workbook, or an archive.
    """
    with path.open("rb") as file:
        begin = file.read(4)
    if begin == PARQUET:
        return Parquet()
    if begin == OLD_EXCEL:
        raise TableError(f"{path.name} is an old Excel workbook (.xls); save it as .xlsx or as CSV.")
    if begin == ZIP:
        if zipfile.is_zipfile(path) and "xl/workbook.xml" in zipfile.ZipFile(path).namelist():
            return Excel()
        raise TableError(f"{path.name} is a zip archive; unpack it first.")
    return None


def _head(path: Path, found: str) -> str:
    """Return the first whole lines."""
    with opened(path) as file:
        content = file.read(HEAD)
        whole = not file.read(1)
    decoder = codecs.getincrementaldecoder(encoding_of(CSV(encoding=found)))(errors="replace")
    text = decoder.decode(content, final=whole).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return text if whole else text[: text.rfind("\n") + 1]


def _is_object(head: str) -> bool:
    try:
        return isinstance(json.loads(head.partition("\n")[0]), dict)
    except json.JSONDecodeError:
        return False
