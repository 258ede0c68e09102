"""The rows of a chunk against the contract, as the gateway checks them; those that break it are set apart, with every reason."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from slipway.bundle.contract import Column, Contract
from slipway.rows import spelling
from slipway.rows.checks import Cells, Violation, faults, violation
from slipway.rows.subjects import wrong_subjects
from slipway.scoring import vectors
from slipway.scoring.chunks import Chunk, Numbers


@dataclass(frozen=True, slots=True)
class Checked:
    """The rows of a chunk that keep the contract: their numbers, their cells by column of the contract, and the columns to be kept.

    `subjects` say of whom each row is, where the job names their column. `violations` are of the other rows, which are `rejected` many,
    by their numbers in the source.
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
        keep: Columns of the chunk that are copied, whatever they hold.
        spelled: Cells are texts, as in CSV; see `slipway.scoring.chunks.Source`.
        subject: The column that says of whom a row is; an empty cell does not.
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
        return Checked(chunk.rows, columns, kept, subjects, list(chunk.broken), len(chunk.broken))
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
    """Return the cells as a request would hold them, and add what is wrong with them to `found`."""
    if pa.types.is_decimal(cells.type):  # JSON has no such kind: 1.50 is a number there
        cells = cells.cast(pa.float64())
    read: Cells = cells.to_pylist()
    if spelled:
        read = spelling.texts(read) if column.kind == "category" else spelling.numbers(read)
    found += [violation(row, column, read[row]) for row in faults(column, read)]
    return read


def _only(cells: Any, good: npt.NDArray[np.bool_]) -> Any:
    return cells[good] if isinstance(cells, np.ndarray) else list(compress(cells, good))
