"""Refuse rows: count every cell that breaks the contract, and list the first twenty. One bad row, and no row is scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from slipway.bundle.contract import Contract
from slipway.gateway.replies import BAD_REQUEST, RequestError
from slipway.rows.checks import ABSENT, LISTED, SHOWN, Cells, Violation, expected, faults, keeps, shown, violation


def check(columns: Mapping[str, Cells], contract: Contract, others: Sequence[Violation] = ()) -> dict[str, Cells]:
    """Return the columns in contract order if all cells keep the contract.

    Args:
        columns: Cells by the caller's column names, all of one length >= 1; ABSENT if a record lacks the column.
        others: Violations of the same rows outside their columns, which are listed too.
    Raises:
        RequestError: 400, with row, column, expected and received for each violation.
    """
    checked = {column.name: columns.get(column.name, ()) for column in contract.columns}
    kept = all(map(keeps, contract.columns, checked.values()))
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
    """Return the 400 with the first violations, by row, and their number."""
    listed = sorted(violations, key=lambda violation: violation.row)[:LISTED]
    places = "1 place" if total == 1 else f"{total} places"
    lines = [f"{what} in {places}; {done}.", *map(str, listed)]
    if total > len(listed):
        lines.append(f"... and {total - len(listed)} more.")
    return RequestError(400, BAD_REQUEST, "\n".join(lines), violations=listed, total=total)


def _extra(name: str, cells: Cells, contract: Contract) -> Violation:
    row = next(row for row, cell in enumerate(cells) if cell is not ABSENT)
    names = ", ".join(column.name for column in contract.columns)
    return Violation(row, name[:SHOWN], f"only the columns {names}", shown(cells[row]))
