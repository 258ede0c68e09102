"""The rows of a file of outcomes: plain CSV, or the kind of table that the model's file declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from slipway.bundle.contract import Contract
from slipway.errors import InvalidRowsError
from slipway.rows import spelling
from slipway.rows.checks import Violation
from slipway.rows.claims import KEYS, OUTCOME, PREDICTION
from slipway.rows.subjects import SUBJECT
from slipway.scoring.chunks import Source
from slipway.scoring.csv_source import CsvSource
from slipway.spec import CSV

ROWS = 1_000  # a request


def read(path: Path, contract: Contract) -> list[dict[str, Any] | Violation]:
    """Return each row as in a request, without empty cells, or what is wrong with its line.

    Raises:
        InvalidRowsError: It is neither plain CSV with the columns of outcomes nor such a table as the model's file declares.
    """
    try:
        source = _opened(path, contract)
        names = _columns(path, source.schema.names)
        found: dict[int, dict[str, Any] | Violation] = {}
        for chunk in source.chunks(names, ROWS):
            found |= {one.row: one for one in chunk.broken}
            cells = chunk.cells.to_pydict()
            cells[OUTCOME] = cells[OUTCOME] if contract.output.texts else spelling.numbers(cells[OUTCOME])
            rows = zip(*(cells[name] for name in names), strict=True)
            found |= {
                int(number): {name: cell for name, cell in zip(names, row, strict=True) if cell not in ("", None)}
                for number, row in zip(chunk.rows, rows, strict=True)
            }
    except OSError as error:
        raise InvalidRowsError(f"{path} cannot be read ({error.strerror}). Nothing was recorded.") from None
    return [found[row] for row in sorted(found)]


def _columns(path: Path, there: Sequence[str]) -> list[str]:
    names = [name for name in KEYS if name in there]
    if OUTCOME not in names or not {PREDICTION, SUBJECT} & set(names) or any(there.count(name) > 1 for name in names):
        raise InvalidRowsError(
            f"{path.name}: expected the columns outcome and prediction_id, or outcome and subject, each once, and perhaps observed_at; "
            f"it has {', '.join(map(repr, there))}. Nothing was recorded."
        )
    return names


def _opened(path: Path, contract: Contract) -> Source:
    """Return the file as plain CSV if it is that, and else as the table that the model's file declares if it is such a table.

    To read the model's file takes seconds, so that is done last.
    """
    try:
        plain = CsvSource(path)
    except InvalidRowsError:
        if (declared := _as_declared(path, contract)) is None:
            raise
        return declared
    return plain if OUTCOME in plain.names and _is_utf8(path) else _as_declared(path, contract) or plain


def _as_declared(path: Path, contract: Contract) -> Source | None:
    from slipway.catalogue import catalogue

    if (spec := catalogue().get(contract.model)) is None:
        return None

    from slipway.scoring.declared_source import DeclaredSource, is_declared

    table = spec.dataset.table
    if isinstance(table, CSV) and not table.header:
        table = replace(table, header=True, names=())  # the columns of outcomes are named by the file
    if not is_declared(path, table, [OUTCOME]):
        return None
    return DeclaredSource(path, table, [] if contract.output.texts else [OUTCOME])


def _is_utf8(path: Path) -> bool:
    with path.open(encoding="utf-8", newline="") as file:
        try:
            return all(line is not None for line in file)
        except UnicodeDecodeError:
            return False
