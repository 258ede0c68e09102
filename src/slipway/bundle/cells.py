"""The cells of a frame as callers send them: None for a missing one, true and false, whole numbers without a fraction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from slipway.bundle.contract import Column

if TYPE_CHECKING:
    import pandas as pd


def columns_of(rows: pd.DataFrame, columns: Iterable[Column]) -> dict[str, list[Any]]:
    """Return the cells of (n, columns) validated rows by column, in the order of the contract."""
    return {column.name: _cells(column, rows[column.name].tolist()) for column in columns}


def rows_of(rows: pd.DataFrame, columns: Iterable[Column]) -> list[list[Any]]:
    """Return (n, columns) validated rows as n lists of cells, in the order of the contract."""
    return [list(row) for row in zip(*columns_of(rows, columns).values(), strict=True)]


def _cells(column: Column, cells: list[Any]) -> list[Any]:
    if column.kind == "boolean":  # a column with gaps is one of floats
        return [None if _is_missing(cell) else bool(cell) for cell in cells]
    if not column.missing:
        return cells
    if column.kind == "integer":
        return [None if _is_missing(cell) else int(cell) for cell in cells]
    return [None if _is_missing(cell) else cell for cell in cells]


def _is_missing(cell: Any) -> bool:
    return cell is None or cell != cell
