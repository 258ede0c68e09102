"""Why rows of a file have no prediction, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from slipway.bundle.contract import Column
from slipway.pages.languages import Language
from slipway.pages.prediction.fields import number_hint
from slipway.pages.prediction.numbers import written
from slipway.pages.prediction.words import Vocabulary
from slipway.pages.texts import text
from slipway.rows.checks import LISTED, Violation, shown
from slipway.rows.subjects import LONGEST_SUBJECT

NOTHING = shown(None)
TWO_WAYS = re.compile(r" \([0-9.,? ]+\?\)\"$")  # the readings of a number, as `scoring.uploads.marks` writes them
COUNTED = re.compile(r"([0-9,]+) (cells|characters)")  # what a check has counted, in its words


@dataclass(frozen=True, slots=True)
class ShownReason:
    """One cell that breaks the contract, as a table shows it. `column` is its name in the file, "" for a whole row."""

    row: int
    column: str
    expected: str
    received: str

    @staticmethod
    def heads(language: Language) -> list[str]:
        """Return the names of the four columns."""
        return [text(language, f"files.{name}") for name in ("row", "column", "expected", "received")]


def shown_reason(vocabulary: Vocabulary, violation: Violation) -> ShownReason:
    """Return a violation in words. Its row is shown as it is."""
    language = vocabulary.language
    column = next((one for one in vocabulary.contract.columns if one.name == violation.column), None)
    if column:
        wanted = expected_cell(vocabulary, column)
    elif violation.column is None:
        wanted = _counted(violation.expected, language)
    else:
        wanted = text(language, "files.expected_subject", longest=LONGEST_SUBJECT)
    if column and column.is_number and TWO_WAYS.search(violation.received):
        wanted = text(language, "files.one_way", expected=wanted)
    received = text(language, "files.nothing") if violation.received == NOTHING else _counted(violation.received, language)
    return ShownReason(violation.row, violation.column or "", wanted, received)


def expected_cell(vocabulary: Vocabulary, column: Column) -> str:
    """Return what the cells of a column must be."""
    language = vocabulary.language
    wanted = _expected(vocabulary, column).removesuffix(".")
    return text(language, "files.or_empty", expected=wanted) if column.missing else wanted


def _expected(vocabulary: Vocabulary, column: Column) -> str:
    language, phrases = vocabulary.language, vocabulary.column(column)
    meant = {value: words.text for value, words in phrases.values.items()}
    if column.is_number:
        hint = number_hint(column, phrases.unit, language)
        return f"{hint.removesuffix('.')}: {_values(meant, meant)}" if meant else hint
    if column.kind == "category":
        if column.other:
            return text(language, "files.expected_text")
        more = text(language, "files.more_values", number=len(column.values) - LISTED) if len(column.values) > LISTED else ""
        return f"{_values(column.values[:LISTED], meant)}{more}"
    if column.kind == "text":
        return text(language, "form.text_hint", longest=written(column.longest, language))
    if column.kind == "boolean":
        return text(language, "files.expected_boolean")
    return text(language, "files.expected_date", example=example_date(column))


def _values(values: Iterable[str], meant: Mapping[str, str]) -> str:
    """Return values as a file has them, with what they mean."""
    return ", ".join(f"{value} ({meant[value]})" if meant.get(value, value) != value else value for value in values)


def example_date(column: Column) -> str:
    """Return a date as files of the model write it."""
    moment = datetime(2026, 11, 29, 10, 30)
    if column.format:
        return moment.strftime(column.format)
    return moment.isoformat(timespec="seconds") if column.time else moment.date().isoformat()


def _counted(words: str, language: Language) -> str:
    found = COUNTED.fullmatch(words)
    return text(language, f"files.{found[2]}", number=int(found[1].replace(",", ""))) if found else words
