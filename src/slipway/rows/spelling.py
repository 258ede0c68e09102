"""The values of the cells of a CSV file, which are all text."""

from __future__ import annotations

from slipway.bundle.contract import Column
from slipway.rows.checks import Cells
from slipway.rows.dates import as_iso

TRUE, FALSE = ("true", "t", "yes", "y", "1", "1.0"), ("false", "f", "no", "n", "0", "0.0")
BOOLEANS = dict.fromkeys(TRUE, True) | dict.fromkeys(FALSE, False)


def of_column(column: Column, texts_of_cells: Cells) -> Cells:
    """Return the values of a column's cells; dates in the format of its files become ISO texts."""
    if column.format:
        texts_of_cells = [cell and as_iso(cell, column.format, column.time) for cell in texts_of_cells]
    return cells(column.kind, texts_of_cells)


def cells(kind: str, texts_of_cells: Cells) -> Cells:
    """Return the values of cells of a kind of column: number, integer, category, boolean, date or text."""
    if kind in ("category", "date", "text"):
        return texts(texts_of_cells)
    return booleans(texts_of_cells) if kind == "boolean" else numbers(texts_of_cells)


def booleans(cells: Cells) -> Cells:
    """Return true, false, None for an empty cell, and the text itself if it is neither, so that the check reports it."""
    return [BOOLEANS.get(cell.strip().lower(), cell) if cell.strip() else None for cell in cells]


def texts(cells: Cells) -> Cells:
    """Return texts, None for an empty cell."""
    return [cell or None for cell in cells]


def numbers(cells: Cells) -> Cells:
    """Return the numbers in the cells."""
    return [_number(cell) for cell in cells]


def _number(cell: str) -> int | float | str | None:
    """Return None for an empty cell or NaN, and the text itself if it is no number, so that the check reports it."""
    if not cell.strip() or cell.strip().lower() == "nan":
        return None
    if "_" in cell or not cell.isascii():  # Python also accepts 1_000, and the digits of other scripts
        return cell
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell
