"""Rows in the shapes of JSON and CSV become columns of cells. `rows.checks` checks the cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from slipway.bundle.contract import Contract
from slipway.gateway.bodies.refusing import refusal
from slipway.gateway.bodies.sizes import ALLOWED
from slipway.gateway.replies import BAD_REQUEST, TOO_LARGE, RequestError
from slipway.problems.serving import Answer
from slipway.rows.checks import ABSENT, LISTED, Cells, Violation, shown
from slipway.rows.subjects import Subjects

Columns = dict[str, Cells]


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """n checked rows by column in contract order, n labels, (n, classes) probabilities, and n subjects or none.

    `by_challenger`: the challenger answered, not the version in service.
    """

    columns: dict[str, Cells]
    labels: list[Answer]
    probabilities: list[list[float]]
    subjects: Subjects
    by_challenger: bool = False


def from_objects(content: Any, contract: Contract, form: str) -> Columns:
    """Convert a list of objects, one a row. A column that some rows lack is ABSENT there.

    Of the names that are not in the contract, only as many are kept as an error lists.
    """
    records = objects_of(content, form, contract)
    known = {column.name: None for column in contract.columns}
    if set(map(len, records)) == {len(known)}:
        try:
            return {name: [record[name] for record in records] for name in known}
        except KeyError:
            pass  # a row has another name
    names = dict.fromkeys(chain.from_iterable(records)) or known
    if len(names) > len(known) + LISTED:  # the table must not grow as rows times unknown names
        names = {name: None for name in names if name in known} | dict.fromkeys(islice((n for n in names if n not in known), LISTED))
    return {name: [record.get(name, ABSENT) for record in records] for name in names}


def from_lists(content: dict[str, Any]) -> Columns:
    """Convert an object of columns: each a list of cells, or each one cell if there is one row."""
    if content and not any(isinstance(cells, list) for cells in content.values()):
        return {name: [cell] for name, cell in content.items()}
    if wrong := [name for name, cells in content.items() if not isinstance(cells, list)]:
        raise malformed(
            f"column {wrong[0][:60]!r}: expected a list of values as the other columns have, received {shown(content[wrong[0]])}."
        )
    if len({len(cells) for cells in content.values()}) > 1:
        lengths = ", ".join(f"{name[:60]!r}: {len(cells)}" for name, cells in islice(content.items(), LISTED))
        raise malformed(f"expected columns of one length, received {lengths}.")
    return content


def from_rows(names: list[str], rows: Sequence[Any], contract: Contract) -> Columns:
    """Convert lists of cells in the order of `names`."""
    if len(set(names)) < len(names):
        twice = [name for name, times in Counter(names).items() if times > 1]
        raise malformed(f"expected every column once, received {named(twice)} more than once.")
    if set(map(type, rows)) <= {list} and set(map(len, rows)) <= {len(names)}:
        return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
    wrong = [row for row, cells in enumerate(rows) if type(cells) is not list or len(cells) != len(names)]
    came = [f"{len(rows[row])} values" if type(rows[row]) is list else shown(rows[row]) for row in wrong[:LISTED]]
    raise _wrong_rows(wrong, f"a list of {len(names)} values ({named(names)})", came, contract)


def objects_of(content: Any, what: str, contract: Contract) -> list[dict[str, Any]]:
    records = rows_of(content, what)
    if set(map(type, records)) - {dict}:
        wrong = [row for row, record in enumerate(records) if type(record) is not dict]
        raise _wrong_rows(wrong, "an object of column names and values", [shown(records[row]) for row in wrong[:LISTED]], contract)
    return records


def rows_of(content: Any, what: str) -> list[Any]:
    if not isinstance(content, list):
        raise malformed(f"{what}: expected a list of rows, received {kind_of(content)}.")
    refuse_too_many(len(content))
    return content


def refuse_too_many(rows: int) -> None:
    if rows > ALLOWED.rows:
        raise RequestError(413, TOO_LARGE, f"expected at most {ALLOWED.rows:,} rows, received more; send them in several requests.")


def named(names: Any) -> str:
    return ", ".join(repr(name[:60]) for name in list(names)[:LISTED])


def kind_of(content: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(content), "a number")


def malformed(message: str) -> RequestError:
    return RequestError(400, BAD_REQUEST, message)


def _wrong_rows(wrong: Sequence[int], expected: str, came: Sequence[str], contract: Contract) -> RequestError:
    violations = [Violation(row, None, expected, received) for row, received in zip(wrong, came, strict=False)]
    return refusal(contract, violations, len(wrong))
