"""How a file differs from the table that a model's file declares, in words that say what to write instead."""

from __future__ import annotations

import codecs
from pathlib import Path

from slipway.data.tables.encodings import encoding, is_ascii, is_utf8
from slipway.data.tables.errors import TableError
from slipway.data.tables.sniffing import kind_by_signature, sniffed
from slipway.spec.tables import CSV, Excel, Parquet, Table, as_code

UNICODE = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


def other_kind(path: Path, declared: Table) -> str | None:
    """Return what to write if the first bytes of a file say that it is of another kind."""
    try:
        found = kind_by_signature(path)
        if found is None and not isinstance(declared, Parquet | Excel):
            return None
        found = found or sniffed(path)
    except TableError as error:
        return f"{error} The model's file says {as_code(declared)}."
    return None if isinstance(found, type(declared)) else _other_table(path, found, declared)


def other_dialect(path: Path, declared: Table, *, columns_found: bool = False) -> list[str]:
    """Return what to write for each difference between a CSV and its declared dialect that keeps its columns from being found.

    Args:
        columns_found: Whether some declared columns were found: then only the encoding can be wrong.
    """
    if not isinstance(declared, CSV):
        return []
    try:
        found = sniffed(path)
    except TableError:
        return []
    if not isinstance(found, CSV):
        return [_other_table(path, found, declared)]
    said = []
    if not same_encoding(found.encoding, declared.encoding) and not is_ascii(path):
        said.append(_said(path, "is encoded as", "encoding", found.encoding, declared.encoding))
    if columns_found:
        return said
    if found.separator != declared.separator:
        said.append(_said(path, "is separated by", "separator", found.separator, declared.separator))
    if found.header != declared.header:
        said.append(
            f"{path.name} has no names in its first line, but the model's file says header=True. "
            "Write header=False and names=(...) in its CSV(...), or export it with a header."
            if declared.header
            else other_header(path)
        )
    if found.skip != declared.skip and not declared.comment:
        said.append(
            f"{path.name} has {found.skip} lines before its columns, but the model's file says skip={declared.skip}. "
            f"Write skip={found.skip} in its CSV(...), or export it without them."
        )
    if found.comment and found.comment != declared.comment:
        said.append(
            f"{path.name} has lines that begin with {found.comment!r}, but the model's file names no such mark. "
            f"Write comment={found.comment!r} in its CSV(...), or export it without them."
        )
    return said


def other_header(path: Path) -> str:
    """Return what to write for a file whose first line has the names, against header=False."""
    return (
        f"{path.name} has the names in its first line, but the model's file says header=False. "
        "Leave header and names out of its CSV(...), or export it without a header."
    )


def unnoticed_encoding(path: Path, declared: CSV) -> str | None:
    """Return what to write for a file in UTF-8 that is declared to have one byte a character: it can be read so, but wrongly."""
    if codecs.lookup(declared.encoding).name in UNICODE or is_ascii(path) or not is_utf8(path):
        return None
    found = encoding(path)  # UTF-16 without a mark may pass as UTF-8
    return _said(path, "is encoded as", "encoding", found, declared.encoding)


def other_marks(file: str, declared: CSV, column: str, found: tuple[str, str], places: str) -> str:
    """Return what to write if the numbers of a column have other marks.

    Args:
        found: Their decimal mark and their mark of thousands.
        places: The lines where they were found.
    """
    decimal, thousands = found
    if decimal == declared.decimal:
        return (
            f"{file} has {thousands!r} between the thousands of column {column!r}: {places}. The model's file says {declared.thousands!r}. "
            f"Write thousands={thousands!r} in its CSV(...), or export it without."
        )
    also = f", thousands={thousands!r}" if thousands != declared.thousands else ""
    return (
        f"{file} has {decimal!r} as the decimal mark of column {column!r}: {places}. The model's file says {declared.decimal!r}. "
        f"Write decimal={decimal!r}{also} in its CSV(...), or export it with {declared.decimal!r}."
    )


def same_encoding(one: str, other: str) -> bool:
    """Return whether two names of encodings mean the same; Latin-1 is a part of cp1252."""
    names = {codecs.lookup(name).name.removesuffix("-sig") for name in (one, other)}
    return len(names) == 1 or names == {"cp1252", "iso8859-1"}


def _said(path: Path, what: str, field: str, found: str, declared: str) -> str:
    return (
        f"{path.name} {what} {found!r}, but the model's file says {declared!r}. "
        f"Write {field}={found!r} in its CSV(...), or export it with {declared!r}."
    )


def _other_table(path: Path, found: Table, declared: Table) -> str:
    return f"{path.name} is {as_code(found)}, but the model's file says {as_code(declared)}. Write table={as_code(found)}."
