"""The kinds of tables that rows come in, and what a program cannot know of each. Nothing is read here."""

from __future__ import annotations

import codecs
import re
from dataclasses import MISSING, dataclass, fields

from slipway.errors import SpecError

THOUSANDS = ("", ",", ".", " ", "'", "’", "_", "\u00a0", "\u202f")

READS = re.compile(r"(\s|--[^\n]*\n|/\*.*?\*/)*\(*\s*(select|with)\b", re.IGNORECASE | re.DOTALL)  # after comments


@dataclass(frozen=True, slots=True)
class CSV:
    """Lines of cells. It may be compressed with gzip, which its first bytes say.

    `decimal` and `thousands` are the marks in numbers: "1.234,50" has "," and ".". `quote` encloses cells that contain a separator; ""
    if quotation marks mean nothing. `encoding` is a name that Python knows; with "utf-8" a byte order mark is ignored. `skip` lines
    come before the header. Lines that begin with `comment` are left out. `names` are the columns of a file without a header. `missing` are
    texts that mean an empty cell, such as "NA" and "?".
    """

    separator: str = ","
    decimal: str = "."
    thousands: str = ""
    quote: str = '"'
    encoding: str = "utf-8"
    header: bool = True
    comment: str = ""
    names: tuple[str, ...] = ()
    skip: int = 0
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.separator) != 1 or self.separator in "\r\n":
            raise SpecError(f"CSV: separator={self.separator!r} must be one character, such as ',', ';', '\\t' or '|'.")
        if self.decimal not in (".", ","):
            raise SpecError(f"CSV: decimal={self.decimal!r} must be '.' or ','.")
        if self.thousands not in THOUSANDS or self.thousands == self.decimal:
            raise SpecError(f"CSV: thousands={self.thousands!r} must be '', '.', ',', ' ' or \"'\", and not the decimal mark.")
        if len(self.quote) > 1 or self.quote == self.separator:
            raise SpecError(f"CSV: quote={self.quote!r} must be one character other than the separator, or '' for none.")
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            raise SpecError(f"CSV: Python knows no encoding {self.encoding!r}; use utf-8, cp1252, latin-1 or utf-16.") from None
        if self.header and self.names:
            raise SpecError("CSV: names are for a file without a header; set header=False, or leave the names out.")
        if not self.header and (not self.names or len(set(self.names)) < len(self.names)):
            raise SpecError("CSV: header=False needs names, one for each column of the file, each different.")
        if isinstance(self.missing, str) or "" in self.missing:
            raise SpecError(f"CSV: missing={self.missing!r} must be texts in brackets, such as ('NA',); an empty cell is missing anyway.")
        if self.skip < 0:
            raise SpecError(f"CSV: skip={self.skip} must not be negative: it is the number of lines before the header.")


PLAIN_CSV = CSV()  # what most programs write


@dataclass(frozen=True, slots=True)
class Parquet:
    """A Parquet file. Its cells have types."""


@dataclass(frozen=True, slots=True)
class JSONLines:
    """One JSON object a line, in UTF-8. It may be compressed with gzip. A name that a line lacks, and null, are an empty cell."""


@dataclass(frozen=True, slots=True)
class Excel:
    """A sheet of an Excel workbook (.xlsx), by its name or its number from 0. Its first row that is not empty has the names."""

    sheet: str | int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """The result of a query to the database that the origin names, `sql+postgresql://host/database`.

    The result is kept as JSON lines in a fixed order, and `sha256` is the checksum of that file: it does not depend on the order in which
    the database returns the rows.
    """

    sql: str

    def __post_init__(self) -> None:
        if not READS.match(self.sql):
            raise SpecError(f"Query: {self.sql.strip()[:40]!r} must begin with SELECT or WITH: a query reads rows.")


Table = CSV | Parquet | JSONLines | Excel | Query

SUFFIXES: dict[type, str] = {CSV: ".csv", Parquet: ".parquet", JSONLines: ".jsonl", Excel: ".xlsx", Query: ".jsonl"}


def suffix(table: Table) -> str:
    """Return how the names of such files end."""
    return SUFFIXES[type(table)]


def as_code(table: Table) -> str:
    """Return a table as it is written in a model's file, without what is the default: `CSV(separator=';', decimal=',')`."""
    given = [(field, getattr(table, field.name)) for field in fields(table)]
    changed = [f"{field.name}={value!r}" for field, value in given if field.default is MISSING or value != field.default]
    return f"{type(table).__name__}({', '.join(changed)})"
