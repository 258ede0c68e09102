"""Opening a file of rows: its format, by its first bytes, and the columns that it must have."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from slipway.bundle.contract import Contract
from slipway.errors import InvalidRowsError, ScoringError
from slipway.scoring.chunks import Source
from slipway.scoring.job import Job
from slipway.spec import ModelSpec
from slipway.spec.tables import PLAIN_CSV

KNOWN = {
    b"PK\x03\x04": "an Excel workbook or a zip archive; save its sheet as CSV UTF-8",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save its sheet as CSV UTF-8",
    b"\x1f\x8b": "compressed by gzip; unpack it first",
    b"\xff\xfe": "a text in UTF-16; save it as CSV UTF-8",
}


def open_source(path: Path, spec: ModelSpec | None = None) -> Source:
    """Return the file as a source of rows.

    Args:
        spec: The model whose declared table the file may also be.
    Raises:
        ScoringError: The format is not CSV or Parquet, nor the declared one.
        InvalidRowsError: The file has no header, or is damaged.
    """
    if spec is not None and spec.dataset.table != PLAIN_CSV:
        from slipway.scoring.declared_source import DeclaredSource, is_declared

        if is_declared(path, spec.dataset.table, spec.columns.names):
            return DeclaredSource(path, spec.dataset.table, spec.columns.numeric)
    with path.open("rb") as file:
        begin = file.read(4)
    for signature, what in KNOWN.items():
        if begin.startswith(signature):
            raise ScoringError(f"{path.name}: expected CSV or Parquet; it is {what}.")
    if begin == b"PAR1":
        from slipway.scoring.parquet_source import ParquetSource

        return ParquetSource(path)
    from slipway.scoring.csv_source import CsvSource

    return CsvSource(path)


def kept_columns(source: Source, contract: Contract, job: Job) -> list[str]:
    """Return the columns to copy beside the answers, in the source's order: those the job names, or those the model does not take.

    Raises:
        InvalidRowsError: A column of the contract, or one that the job names, is missing or there twice.
    """
    there = list(source.schema.names)
    needed = [column.name for column in contract.columns]
    found = [f"column {twice!r} is there more than once." for twice, times in Counter(there).items() if times > 1]
    found += [f"column {column!r}, which {contract.model} needs, is missing." for column in needed if column not in there]
    found += [f"column {column!r}, which you want to keep, is missing." for column in job.keep or () if column not in there]
    if job.subject and job.subject not in there:
        found.append(f"column {job.subject!r}, which names the subject of a row, is missing.")
    if found:
        hint = " Its cells seem to be separated by semicolons; expected commas." if len(there) == 1 and ";" in there[0] else ""
        listed = "\n".join(f"  - {line}" for line in found)
        raise InvalidRowsError(f"{job.shown_source}:\n{listed}\nThe file has: {', '.join(map(repr, there))}.{hint} Nothing was written.")
    return [column for column in there if (column not in needed if job.keep is None else column in job.keep)]
