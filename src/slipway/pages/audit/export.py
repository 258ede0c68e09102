"""Lines of the log as a file: CSV for spreadsheets, JSON lines for programs. Subject ids are in neither."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, get_args

import msgspec

from slipway.audit import Act, Line, Outcome, Refusal

Format = Literal["csv", "jsonl"]
FORMATS: tuple[Format, ...] = get_args(Format)
CONTENT_TYPES: Mapping[Format, bytes] = {"csv": b"text/csv; charset=utf-8", "jsonl": b"application/jsonl"}
SEALED = ("subject", "subject_key")  # the encrypted id is of no use outside of the log
OUTCOME = ("outcome", "outcome_time", "outcome_key")
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")  # a cell that begins so may be a formula in a spreadsheet
BOM = b"\xef\xbb\xbf"  # without it, Excel reads UTF-8 as another coding

Record = dict[str, Any]


def columns_of(kind: str) -> tuple[str, ...]:
    """Return the columns of a file of lines of a kind."""
    if kind in ("answers", "requests"):
        return (*(field.name for field in fields(Line) if field.name not in SEALED), *OUTCOME)
    return tuple(field.name for field in fields(Refusal if kind == "refusals" else Act))


def record_of(line: Line | Refusal | Act, outcomes: Sequence[Outcome] = ()) -> Record:
    """Return a line as values by column, with the latest of its outcomes."""
    record = {field.name: getattr(line, field.name) for field in fields(line) if field.name not in SEALED}  # `asdict` copies, slowly
    if isinstance(line, Line):
        last = outcomes[-1] if outcomes else None
        record |= dict(zip(OUTCOME, (last.label, last.time, last.key) if last else (None, None, None), strict=True))
    return record


def beginning(format: Format, columns: Sequence[str]) -> bytes:
    """Return the beginning of a file."""
    return BOM + _csv([columns]) if format == "csv" else b""


def part(format: Format, records: Iterable[Record]) -> bytes:
    """Return lines as a part of a file."""
    if format == "csv":
        return _csv([cell(value) for value in record.values()] for record in records)
    return b"".join(msgspec.json.encode(record) + b"\n" for record in records)


def cell(value: Any) -> Any:
    """Return a value as a cell of a CSV file. A text that a spreadsheet may take for a formula begins with an apostrophe."""
    if isinstance(value, list):
        value = msgspec.json.encode(value).decode()
    return f"'{value}" if isinstance(value, str) and value.startswith(RISKY) else value


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
