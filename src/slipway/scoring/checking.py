"""Checking the rows of a chunk against the contract as the gateway does; rows that break it are rejected, with every reason."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from slipway.bundle.contract import Column, Contract
from slipway.rows import spelling
from slipway.rows.checks import Cells, Violation, faults, violation, with_gaps
from slipway.rows.subjects import wrong_subjects
from slipway.scoring import vectors
from slipway.scoring.chunks import Chunk, Numbers


@dataclass(frozen=True, slots=True)
class Checked:
    """The rows of a chunk that keep the contract: their numbers, their cells by column of the contract, and the columns to keep.

    `subjects` name the person of each row, if the job names their column. `violations` are those of the other rows, numbered as in the
    source; `rejected` is how many rows these are.
    """

    rows: Numbers
    columns: dict[str, Any]
    kept: list[Any]
    subjects: list[str | None] | None
    violations: list[Violation]
    rejected: int


def check(chunk: Chunk, contract: Contract, keep: list[str], spelled: bool, subject: str | None = None) -> Checked:
    """Return the rows of a chunk that keep the contract.

    Args:
        keep: Columns of the chunk to copy, unchecked.
        spelled: Whether cells are texts, as in CSV; see `slipway.scoring.chunks.Source`.
        subject: The column that names the person a row describes; a cell may be empty.
    """
    columns: dict[str, Any] = {}
    found: list[Violation] = []
    for column in contract.columns:
        cells = chunk.cells.column(column.name)
        quickly = vectors.read(column, cells, spelled)
        columns[column.name] = _cell_by_cell(column, cells, spelled, found) if quickly is None else quickly
    subjects = None if subject is None else [cell or None for cell in chunk.cells.column(subject).cast(pa.string()).to_pylist()]
    found += wrong_subjects(subjects or ())
    kept = [chunk.cells.column(name) for name in keep]
    if not found:
        return Checked(chunk.rows, columns, kept, subjects, violations=list(chunk.broken), rejected=len(chunk.broken))
    good = np.ones(len(chunk.rows), dtype=bool)
    good[[one.row for one in found]] = False
    violations = [msgspec.structs.replace(one, row=int(chunk.rows[one.row])) for one in found]
    return Checked(
        rows=chunk.rows[good],
        columns={name: _only(cells, good) for name, cells in columns.items()},
        kept=[cells.filter(pa.array(good)) for cells in kept],
        subjects=None if subjects is None else list(compress(subjects, good)),
        violations=sorted([*violations, *chunk.broken], key=lambda one: one.row),
        rejected=len(good) - int(good.sum()) + len(chunk.broken),
    )


def _cell_by_cell(column: Column, cells: Any, spelled: bool, found: list[Violation]) -> Cells:
    """Return the cells as they would be in a request, and add their violations to `found`."""
    if pa.types.is_decimal(cells.type):  # JSON has no decimals: 1.50 is a number there
        cells = cells.cast(pa.float64())
    if column.kind == "date":
        cells = _as_texts(cells, column.time)
    read: Cells = cells.to_pylist()
    if spelled:
        read = spelling.of_column(column, read)
    if column.missing:
        read = with_gaps(column, read)
    found += [violation(row, column, read[row]) for row in faults(column, read)]
    return read


def _as_texts(cells: Any, time: bool) -> Any:
    """Return the typed dates of Parquet as ISO texts; a midnight is a day, as many programs write one."""
    if not pa.types.is_temporal(cells.type):
        return cells
    if pa.types.is_timestamp(cells.type):
        days = cells.cast(pa.date32(), safe=False)
        if not time and cells.type.tz is None and pc.all(pc.equal(days.cast(cells.type), cells)).as_py() is not False:
            return days.cast(pa.string())
        cells = cells.cast(pa.timestamp("us", cells.type.tz), safe=False)
    return cells.cast(pa.string())


def _only(cells: Any, good: npt.NDArray[np.bool_]) -> Any:
    return cells[good] if isinstance(cells, np.ndarray) else list(compress(cells, good))
