"""What the cells of a CSV file spell."""

from __future__ import annotations

from slipway.rows.checks import Cells


def texts(cells: Cells) -> Cells:
    """Return texts, None for an empty cell."""
    return [cell or None for cell in cells]


def numbers(cells: Cells) -> Cells:
    """Return the numbers that cells spell."""
    return [_number(cell) for cell in cells]


def _number(cell: str) -> int | float | str | None:
    """Return None for an empty cell or NaN, and the text itself where it is no number: the check names it."""
    if not cell.strip() or cell.strip().lower() == "nan":
        return None
    if "_" in cell or not cell.isascii():  # Python would read 1_000, and the digits of every script
        return cell
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell
