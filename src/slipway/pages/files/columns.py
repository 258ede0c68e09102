"""The columns that a file of rows needs, and an example of one."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from slipway.pages.files.reasons import example_date, expected_cell
from slipway.pages.languages import Language
from slipway.pages.prediction.numbers import SEPARATOR
from slipway.pages.prediction.words import Phrase, Vocabulary

SHOWN = 200  # characters of a name from a file
BETWEEN: dict[Language, str] = {"en": ",", "es": ";"}  # cells, as spreadsheets of the language write CSV
MARK = "\ufeff"  # without it, Excel takes UTF-8 for another encoding


@dataclass(frozen=True, slots=True)
class NeededColumn:
    """A column of the model: its name in a file, what it means, what its cells must be."""

    name: str
    label: Phrase
    expected: str


def needed_columns(vocabulary: Vocabulary) -> list[NeededColumn]:
    """Return the columns in the order of the contract."""
    return [
        NeededColumn(column.name, vocabulary.column(column).label, expected_cell(vocabulary, column))
        for column in vocabulary.contract.columns
    ]


def missing_columns(vocabulary: Vocabulary, names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return each column that a file lacks, and the name in the file that is probably meant, or ""."""
    needed = [column.name for column in vocabulary.contract.columns]
    others = {name.casefold(): name for name in names if name not in needed}
    found = [(name, get_close_matches(name.casefold(), others, 1, 0.75)) for name in needed if name not in names]
    return [(name, others[close[0]][:SHOWN] if close else "") for name, close in found]


def example_file(vocabulary: Vocabulary, row: Mapping[str, Any]) -> bytes:
    """Return a CSV file with the right names and one row, as a spreadsheet of the reader's language writes it."""
    language, text = vocabulary.language, io.StringIO()
    dates = {column.name: example_date(column) for column in vocabulary.contract.columns if column.kind == "date"}
    cells = [dates.get(name) or _cell(value, language) for name, value in row.items()]
    csv.writer(text, delimiter=BETWEEN[language], lineterminator="\r\n").writerows([list(row), cells])
    return f"{MARK}{text.getvalue()}".encode()


def _cell(value: Any, language: Language) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace(".", SEPARATOR[language]) if isinstance(value, float) else str(value)
