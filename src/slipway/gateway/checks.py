"""Rows against the contract: every cell that breaks it is counted, the first twenty are told, and nothing is half-scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from math import isnan
from typing import Any, Final

import msgspec

from slipway.bundle.contract import Column, Contract
from slipway.gateway.replies import BAD_REQUEST, RequestError, Violation

LISTED = 20
SHOWN = 60
# The engine computes in float32: a number beyond this would become infinity inside it.
LARGEST = 3.4028234663852886e38
NUMBERS = {int, float}  # bool is a kind of its own here: true is not 1

Cells = Sequence[Any]


class Absent:
    """A cell that the request does not have, unlike one that is there and null."""

    def __repr__(self) -> str:
        return "no value"


ABSENT: Final = Absent()


def check(columns: Mapping[str, Cells], contract: Contract, others: Sequence[Violation] = ()) -> dict[str, Cells]:
    """Return the columns in contract order when all cells keep the contract.

    Args:
        columns: Cells by the column names the caller used, all of one length >= 1; ABSENT where a record lacks the column.
        others: What is wrong with the same rows beside their columns; told with the rest.
    Raises:
        RequestError: 400, with row, column, what was expected and what came for each violation.
    """
    checked = {column.name: columns.get(column.name, ()) for column in contract.columns}
    kept = all(map(_keeps, contract.columns, checked.values()))
    if not kept or others or len(columns) > len(checked):
        raise _broken(columns, contract, others)
    return checked


def _broken(columns: Mapping[str, Cells], contract: Contract, others: Sequence[Violation]) -> RequestError:
    violations, total = list(others), len(others)
    for column in contract.columns:
        if column.name not in columns:
            total += 1
            violations.append(Violation(0, column.name, expected(column), "no such column"))
            continue
        wrong = faults(column, columns[column.name])
        total += len(wrong)
        violations += [violation(row, column, columns[column.name][row]) for row in wrong[:LISTED]]
    unknown = columns.keys() - {column.name for column in contract.columns}
    total += len(unknown)
    violations += [_extra(name, columns[name], contract) for name in islice((name for name in columns if name in unknown), LISTED)]
    return refusal(contract, violations, total)


def refusal(contract: Contract, violations: Sequence[Violation], total: int) -> RequestError:
    """Return the 400 for rows that break the contract."""
    return refused(f"the rows break the contract of {contract.model}", "nothing was predicted", violations, total)


def refused(what: str, done: str, violations: Sequence[Violation], total: int) -> RequestError:
    """Return the 400 that tells the first violations, by row, and how many there are."""
    listed = sorted(violations, key=lambda violation: violation.row)[:LISTED]
    places = "1 place" if total == 1 else f"{total} places"
    lines = [f"{what} in {places}; {done}.", *map(str, listed)]
    if total > len(listed):
        lines.append(f"... and {total - len(listed)} more.")
    return RequestError(400, BAD_REQUEST, "\n".join(lines), violations=listed, total=total)


def expected(column: Column) -> str:
    """Say what a cell of this column must hold."""
    if column.kind == "category":
        return "one of " + ", ".join(map(repr, column.values))
    words = ["a whole number" if column.kind == "integer" else "a number"]
    if column.low is not None:
        words.append(f"from {column.low:.15g}")
    if column.high is not None:
        words.append(f"to {column.high:.15g}")
    if column.unit:
        words.append(f"({column.unit})")
    return " ".join(words)


def shown(cell: Any) -> str:
    """Return a cell as the caller wrote it, shortened to 60 characters."""
    if isinstance(cell, Absent):
        return repr(cell)
    if cell is None or cell != cell:
        return "nothing (null, NaN or an empty cell)"
    try:
        text = msgspec.json.encode(cell[:SHOWN] if isinstance(cell, str | list) else cell).decode()
    except RecursionError:
        return "a value nested too deeply to be shown"
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def _keeps(column: Column, cells: Cells) -> bool:
    """Tell whether there are cells and all keep the contract; many are looked at together, which is quicker than one by one."""
    if len(cells) == 1:
        return _cell_keeps(column, cells[0])
    if column.kind == "category":
        try:
            return set(cells) <= set(column.values) and len(cells) > 0
        except TypeError:  # a list or an object
            return False
    kinds = set(map(type, cells))
    if not kinds or not kinds <= NUMBERS:
        return False
    low, high = bounds(column)
    if not (low <= min(cells) and max(cells) <= high):
        return False
    if float not in kinds:
        return True
    if isnan(sum(cells)):  # min and max overlook it
        return False
    return column.kind == "number" or all(map(float.is_integer, map(float, cells)))


def _cell_keeps(column: Column, cell: Any) -> bool:
    kind = type(cell)
    if column.kind == "category":
        return kind is str and cell in column.values
    if kind is not int and kind is not float:
        return False
    low, high = bounds(column)
    return low <= cell <= high and (kind is int or column.kind == "number" or cell.is_integer())


def faults(column: Column, cells: Cells) -> list[int]:
    """Return the rows whose cells break the contract. A NaN does: no comparison with it is true."""
    return [row for row, cell in enumerate(cells) if not _cell_keeps(column, cell)]


def bounds(column: Column) -> tuple[float, float]:
    """Return the least and the largest number of a column, both allowed."""
    return -LARGEST if column.low is None else column.low, LARGEST if column.high is None else column.high


def violation(row: int, column: Column, cell: Any) -> Violation:
    """Say what was wrong with a cell."""
    return Violation(row, column.name, expected(column), shown(cell))


def _extra(name: str, cells: Cells, contract: Contract) -> Violation:
    row = next(row for row, cell in enumerate(cells) if cell is not ABSENT)
    names = ", ".join(column.name for column in contract.columns)
    return Violation(row, name[:SHOWN], f"only the columns {names}", shown(cells[row]))
