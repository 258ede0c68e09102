"""From what a reader typed to a row of the contract. What cannot be read stays as it was typed, so that the check refuses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from slipway.pages.languages import Language
from slipway.pages.prediction.fields import OTHER, UNKNOWN, VALUE, FormField, Sent
from slipway.pages.prediction.numbers import AmbiguousNumberError, typed_number

Fault = Literal["", "empty", "both", "ambiguous"]
BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Typed:
    """The cell of one column, and what is wrong with the typing itself, which the contract cannot know."""

    cell: Any
    fault: Fault = ""


def typed_row(fields: Sequence[FormField], sent: Sent, language: Language) -> dict[str, Typed]:
    """Return what was typed, by column."""
    return {field.column.name: typed_value(field, sent, language) for field in fields}


def typed_value(field: FormField, sent: Sent, language: Language) -> Typed:
    """Return what was typed into one field. A field that was forgotten is never taken as a value that is not known."""
    if field.choices:
        return _chosen(field, sent)
    written = _date(field, sent) if field.kind == "date" else _text(sent.get(field.name, ""), blanks=field.kind == "text")
    unknown = field.column.missing and bool(sent.get(field.unknown))
    if unknown:
        return Typed(written, "both") if written else Typed(None)
    if not written:
        return Typed("", "empty")
    return _number(field, written, language) if field.kind == "number" else Typed(written)


def _chosen(field: FormField, sent: Sent) -> Typed:
    chosen, other = sent.get(field.name, ""), _text(sent.get(field.other, ""))
    if chosen == UNKNOWN and field.column.missing:
        return Typed(None)
    if chosen == OTHER and field.column.other:
        return Typed(other) if other else Typed("", "empty")
    if chosen not in {choice.sent for choice in field.choices}:  # a value of another version, or none at all
        return Typed("", "empty")
    key = chosen.removeprefix(VALUE)
    if field.column.kind == "boolean":
        return Typed(BOOLEANS[key])
    return Typed(int(key) if field.column.kind == "integer" else key)


def _number(field: FormField, written: str, language: Language) -> Typed:
    if field.unit and written.casefold().endswith(field.unit.casefold()):
        written = written[: -len(field.unit)].strip()
    try:
        return Typed(typed_number(written, language))
    except AmbiguousNumberError:
        return Typed(written, "ambiguous")
    except ValueError:
        return Typed(written)


def _date(field: FormField, sent: Sent) -> str:
    """Return an ISO date, or what was typed; "" if nothing was."""
    parts: Mapping[str, str] = {part: _text(sent.get(field.part(part), "")) for part in field.parts}
    if not any(parts.values()):
        return ""
    day = "-".join(_digits(parts[part], width) for part, width in (("year", 4), ("month", 2), ("day", 2)))
    return f"{day}T{parts['time'].rjust(5, '0')}" if parts.get("time") else day


def _digits(typed: str, width: int) -> str:
    """Return a part of a date with leading zeros; a year stays as it was typed, because 26 may be of any century."""
    return typed.rjust(width, "0") if typed.isdecimal() and width == 2 else typed


def _text(typed: str, *, blanks: bool = False) -> str:
    """Return a text without the blanks around it, and with one sign for the end of a line: browsers send two."""
    typed = typed.replace("\r\n", "\n")
    return typed if blanks and typed.strip() else typed.strip()
