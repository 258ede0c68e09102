"""The fields of a model's form, from the columns of its contract: one field a column, in the order of the contract.

The names and values of a field contain the column and the value themselves, not their places: a form that was loaded before another
version came into service never means another column or value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from slipway.bundle.contract import Column
from slipway.pages.languages import Language
from slipway.pages.prediction.numbers import WHOLE, written
from slipway.pages.prediction.words import ColumnPhrases, Phrase, Vocabulary
from slipway.pages.texts import text

Kind = Literal["number", "radios", "select", "date", "text"]
Sent = Mapping[str, str]  # the fields of a form as a browser sends them, by name

VALUE, OTHER = "=", "?other"  # a chosen value begins with the first; the second is chosen for a value that is not listed
UNKNOWN = "?unknown"
MOST_RADIOS = 5
MOST_INLINE, INLINE_CHARACTERS = 3, 16


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that a reader may choose."""

    sent: str
    words: Phrase


@dataclass(frozen=True, slots=True)
class FormField:
    """One column as a reader sees it. `id` is that of its first input, to which an error leads."""

    column: Column
    id: str
    kind: Kind
    phrases: ColumnPhrases
    hint: str
    choices: tuple[Choice, ...] = ()

    @property
    def label(self) -> Phrase:
        return self.phrases.label

    @property
    def unit(self) -> str:
        return self.phrases.unit

    @property
    def name(self) -> str:
        return f"value:{self.column.name}"

    @property
    def other(self) -> str:
        """The name of the input for a value that is not listed."""
        return f"other:{self.column.name}"

    @property
    def unknown(self) -> str:
        """The name of the box that says that the value is not known."""
        return f"unknown:{self.column.name}"

    def part(self, part: str) -> str:
        """Return the name of the input for a part of a date: day, month, year or time."""
        return f"{part}:{self.column.name}"

    @property
    def parts(self) -> tuple[str, ...]:
        return ("day", "month", "year", "time") if self.column.time else ("day", "month", "year")

    @property
    def short(self) -> bool:
        """Whether its values are so few and short that they fit into one line."""
        return len(self.choices) <= MOST_INLINE and sum(len(choice.words.text) for choice in self.choices) <= INLINE_CHARACTERS

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all its inputs, in their order."""
        if self.kind == "date":
            return (*map(self.part, self.parts), self.unknown)
        return (self.name, self.other, self.unknown)


def form_fields(vocabulary: Vocabulary) -> list[FormField]:
    """Return the fields of a form."""
    return [_field(column, f"c{place}", vocabulary) for place, column in enumerate(vocabulary.contract.columns)]


def _field(column: Column, id_: str, vocabulary: Vocabulary) -> FormField:
    phrases, language = vocabulary.column(column), vocabulary.language
    if choices := _choices(column, phrases, language):
        kind: Kind = "radios" if len(choices) <= MOST_RADIOS + column.missing + column.other else "select"
        return FormField(column, id_, kind, phrases, "", choices)
    if column.kind == "date":
        return FormField(column, id_, "date", phrases, text(language, "form.time_hint" if column.time else "form.date_hint"))
    if column.kind == "text":
        return FormField(column, id_, "text", phrases, text(language, "form.text_hint", longest=written(column.longest, language)))
    return FormField(column, id_, "number", phrases, number_hint(column, phrases.unit, language))


def _choices(column: Column, phrases: ColumnPhrases, language: Language) -> tuple[Choice, ...]:
    """Return the values to choose from, none for a column that is typed."""
    values = _values(column, phrases, language)
    choices = [Choice(f"{VALUE}{key}", words) for key, words in values.items()]
    if choices and column.other:
        choices.append(Choice(OTHER, Phrase(text(language, "form.other"))))
    if choices and column.missing:
        choices.append(Choice(UNKNOWN, Phrase(text(language, "form.unknown"))))
    return tuple(choices)


def _values(column: Column, phrases: ColumnPhrases, language: Language) -> Mapping[str, Phrase]:
    if column.kind == "boolean":
        words = {key: phrases.values.get(key) or Phrase(text(language, f"form.{key}")) for key in ("true", "false")}
        return {key: words[key] for key in phrases.values or words}
    if column.kind == "category":
        said = {value: words for value, words in phrases.values.items() if value in column.values}
        return said | {value: Phrase(value) for value in column.values if value not in said}
    if column.kind == "integer":
        if said := {key: words for key, words in phrases.values.items() if WHOLE.fullmatch(key)}:
            return said
        if (column.low, column.high) == (0, 1):  # a number that is coded; only words may say what the codes mean
            return {"0": Phrase("0"), "1": Phrase("1")}
    return {}


def number_hint(column: Column, unit: str, language: Language) -> str:
    """Return the numbers that a column takes, in words."""
    whole = "whole" if column.kind == "integer" else "number"
    limits = {name: written(value, language) for name, value in (("low", column.low), ("high", column.high)) if value is not None}
    key = "_".join(("form.hint", whole, *limits))
    return text(language, key, **limits, unit=f" {unit}" if unit else "").strip()
