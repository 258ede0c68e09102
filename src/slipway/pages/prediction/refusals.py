"""What is wrong with a typed value, in the reader's language: which kind of rule it breaks, and what to write instead."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from slipway.pages.languages import Language
from slipway.pages.prediction.fields import FormField, Sent
from slipway.pages.prediction.numbers import readings, written
from slipway.pages.prediction.typed_values import Typed
from slipway.pages.rendering import FieldError
from slipway.pages.texts import text
from slipway.rows.checks import SHOWN, bounds, keeps
from slipway.rows.subjects import LONGEST_SUBJECT, SUBJECT

SUBJECT_ID = "subject"


def field_errors(
    fields: Sequence[FormField], sent: Sent, typed: Mapping[str, Typed], refused: Collection[str | None], language: Language
) -> list[FieldError]:
    """Return the errors of a form, in the order of its fields.

    Args:
        refused: The columns that the contract's check refuses; `subject` if it refuses the subject.
    """
    found = [
        FieldError(field.id, sentence(field, sent, typed[field.column.name], language))
        for field in fields
        if typed[field.column.name].fault or field.column.name in refused
    ]
    if SUBJECT in refused and SUBJECT not in typed:
        found.insert(0, FieldError(SUBJECT_ID, text(language, "form.wrong_subject", longest=LONGEST_SUBJECT)))
    return found


def refused_columns(fields: Sequence[FormField], typed: Mapping[str, Typed]) -> set[str]:
    """Return the columns whose cells break the contract: all of them, where an error of the API lists the first twenty."""
    return {field.column.name for field in fields if not keeps(field.column, [typed[field.column.name].cell])}


def sentence(field: FormField, sent: Sent, typed: Typed, language: Language) -> str:
    """Say what is wrong with the value of one field."""
    label = str(field.label)
    if typed.fault == "empty":
        return text(language, f"form.empty_{_manner(field, sent)}", label=label)
    if typed.fault == "both":
        return text(language, "form.both", label=label)
    if typed.fault == "ambiguous":
        ways = readings(typed.cell, language)
        if field.column.kind == "integer":
            ways = ways[:1]
        return text(language, f"form.ambiguous_{len(ways)}", label=label, typed=_short(typed.cell), first=ways[0], last=ways[-1])
    return _broken(field, typed.cell, language)


def _manner(field: FormField, sent: Sent) -> str:
    if field.choices and sent.get(field.name) and field.column.other:
        return "other"
    if field.choices:
        return "choice"
    return "missing" if field.column.missing else "value"


def _broken(field: FormField, cell: Any, language: Language) -> str:
    """Say which rule of the contract a cell breaks."""
    column, label = field.column, str(field.label)
    if field.kind == "date":
        return text(language, "form.wrong_time" if column.time else "form.wrong_date", label=label, example=_example(language))
    if field.kind == "text":
        return text(
            language, "form.wrong_text", label=label, longest=written(column.longest, language), length=written(len(cell), language)
        )
    if field.choices or not column.is_number:
        return text(language, "form.empty_choice", label=label)
    if not isinstance(cell, int | float):
        key = "form.no_whole" if column.kind == "integer" else "form.no_number"
        return text(language, key, label=label, typed=_short(str(cell)), example=written(8.1, language))
    low, high = bounds(column)
    if low <= cell <= high:
        return text(language, "form.no_whole", label=label, typed=written(cell, language))
    return _outside(field, cell, language)


def _outside(field: FormField, cell: float, language: Language) -> str:
    column = field.column
    limits = {name: written(value, language) for name, value in (("low", column.low), ("high", column.high)) if value is not None}
    key = "_".join(("form.outside", *limits)) if limits else "form.too_large"
    unit = f" {field.unit}" if field.unit else ""
    return text(language, key, label=str(field.label), unit=unit, typed=_number(cell, language), **limits)


def _number(cell: float, language: Language) -> str:
    """Return a number as it was typed, as far as that is known; a whole number may have hundreds of digits."""
    return _short(str(cell)) if isinstance(cell, int) else written(cell, language)


def _example(language: Language) -> str:
    return text(language, "form.date_example")


def _short(typed: str) -> str:
    return typed if len(typed) <= SHOWN else f"{typed[:SHOWN]}…"
