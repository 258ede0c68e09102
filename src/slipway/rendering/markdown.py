"""Tables of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return the lines of a table; a bar or a line break inside a cell does not break it."""
    return [_line(head), "|---" * len(head) + "|", *[_line(row) for row in rows]]


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"


def number(value: float | None) -> str:
    """Return a figure with four decimals, "" for None."""
    return "" if value is None else f"{value:.4f}"
