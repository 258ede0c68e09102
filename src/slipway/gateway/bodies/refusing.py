"""Refuse rows: count every cell that breaks the contract, and list the first twenty. One bad row, and no row is scored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice

from slipway.bundle.contract import Contract
from slipway.gateway.replies import BAD_REQUEST, RequestError
from slipway.rows.checks import ABSENT, LISTED, SHOWN, Cells, Violation, expected, faults, keeps, shown, violation, with_gaps

MOST_NAMES = 1_000  # that are looked at for a hint
ROW_NAMES = ("", "index", "level_0")


def check(columns: Mapping[str, Cells], contract: Contract, others: Sequence[Violation] = ()) -> dict[str, Cells]:
    """Return the columns in contract order if all cells keep the contract.

    Args:
        columns: Cells by the caller's column names, all of one length >= 1; ABSENT if a record lacks the column.
        others: Violations of the same rows outside their columns, which are listed too.
    Raises:
        RequestError: 400, with row, column, expected and received for each violation.
    """
    checked: dict[str, Cells] = {}
    absent = 0
    for column in contract.columns:
        cells = columns.get(column.name, ())
        if column.missing:
            absent += column.name not in columns
            cells = with_gaps(column, cells or [None] * len(next(iter(columns.values()))))
        checked[column.name] = cells
    kept = all(map(keeps, contract.columns, checked.values()))
    if not kept or others or len(columns) + absent > len(checked):
        raise _broken({**columns, **{name: cells for name, cells in checked.items() if len(cells)}}, contract, others)
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
    return refusal(contract, violations, total, hints(columns.keys(), contract))


def hints(names: Iterable[str], contract: Contract) -> list[str]:
    """Return what is probably meant by names that are not the contract's columns."""
    columns, given = [column.name for column in contract.columns], list(islice(names, MOST_NAMES))
    unknown = [name for name in given if name not in columns]
    found = []
    for name in unknown[:LISTED]:
        missing = {column.casefold(): column for column in columns if column not in given}
        if name in ROW_NAMES or name.startswith("Unnamed: "):
            found.append(f"Column {name[:SHOWN]!r} looks like the row names of a frame; pandas leaves them out with to_csv(index=False).")
        elif name == contract.target:
            found.append(f"Column {name!r} is what {contract.model} predicts; leave it out.")
        elif close := get_close_matches(name[:SHOWN].casefold().strip(), missing, 1, 0.75):
            found.append(f"Column {name[:SHOWN]!r} is probably {missing[close[0]]!r}.")
    if not found and unknown and len(unknown) == len(given):
        found.append(f"None of these columns is one of {contract.model}'s; perhaps the rows are for another model.")
    return found


def refusal(contract: Contract, violations: Sequence[Violation], total: int, hints: Sequence[str] = ()) -> RequestError:
    """Return the 400 for rows that break the contract."""
    return refused(f"the rows break the contract of {contract.model}", "nothing was predicted", violations, total, hints)


def refused(what: str, done: str, violations: Sequence[Violation], total: int, hints: Sequence[str] = ()) -> RequestError:
    """Return the 400 with the first violations, by row, and their number."""
    listed = sorted(violations, key=lambda violation: violation.row)[:LISTED]
    places = "1 place" if total == 1 else f"{total} places"
    lines = [f"{what} in {places}; {done}.", *hints, *map(str, listed)]
    if total > len(listed):
        lines.append(f"... and {total - len(listed)} more.")
    return RequestError(400, BAD_REQUEST, "\n".join(lines), violations=listed, total=total)


def _extra(name: str, cells: Cells, contract: Contract) -> Violation:
    row = next(row for row, cell in enumerate(cells) if cell is not ABSENT)
    names = ", ".join(column.name for column in contract.columns)
    return Violation(row, name[:SHOWN], f"only the columns {names}", shown(cells[row]))
