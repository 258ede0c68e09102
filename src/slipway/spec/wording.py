"""The words of a model on its pages, in each language. Requests, files and figures keep the names of the columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from slipway.errors import SpecError
from slipway.problems.classification import ClassLabel
from slipway.problems.classification.target import Target
from slipway.spec.columns import Boolean, Category, Columns, Feature, Numeric

Language = Literal["en", "es"]
Value = str | int | bool
MOST_LISTED = 200  # whole numbers that a form lists


@dataclass(frozen=True, slots=True)
class Label:
    """What a form says about a column: its name in words, its unit, a sentence of help, and what its values mean.

    `values` maps each value of a category, true and false of a boolean, or all whole numbers of a range, to a few words. A whole number
    with words is chosen from a list, like a category. `unit` is that of the column, unless it is given here.
    """

    name: str
    unit: str | None = None
    help: str = ""
    values: Mapping[Value, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A model in one language. What it leaves out comes from the columns, the target and the card.

    `title` names the model in a few words. `purpose` and `not_for` are sentences, as on the card. `answers` maps each class to what the
    answer says; for a number, `quantity` says what it is. `columns` maps a column to its name in words, or to a `Label`.
    """

    title: str
    purpose: str = ""
    not_for: str = ""
    answers: Mapping[ClassLabel, str] = field(default_factory=dict)
    quantity: str = ""
    columns: Mapping[str, str | Label] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "answers", MappingProxyType(dict(self.answers)))
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))

    @property
    def labels(self) -> dict[str, Label]:
        """What a form says about each column."""
        return {name: label if isinstance(label, Label) else Label(label) for name, label in self.columns.items()}

    def refuse_unknown(self, language: str, columns: Columns) -> None:
        """Refuse words for a column, a value or a class that the model does not have, and a list of numbers that is not whole.

        Raises:
            SpecError: The message says which.
        """
        if unknown := sorted(set(self.columns) - set(columns.features)):
            raise SpecError(
                f"wording[{language!r}].columns[{unknown[0]!r}]: callers send no such column; the columns are {', '.join(columns.names)}."
            )
        target = columns.target
        classes = target.labels if isinstance(target, Target) else []
        if strange := [label for label in self.answers if label not in classes]:
            expected = ", ".join(map(repr, classes)) or "none, because it is a number"
            raise SpecError(f"wording[{language!r}].answers has {strange[0]!r}, which is no class of {target.name}; expected {expected}.")
        for name, label in self.labels.items():
            if label.values:
                _refuse_values(f"wording[{language!r}].columns[{name!r}].values", label.values, columns.features[name])


def _refuse_values(place: str, values: Mapping[Value, str], kind: Feature) -> None:
    expected = _values(kind)
    if not expected:
        raise SpecError(f"{place}: the column has no list of values; leave values out.")
    # compared with their types: True is no 1 here
    typed, known = [(type(value), value) for value in values], [(type(value), value) for value in expected]
    if strange := [value for one, value in typed if (one, value) not in known]:
        raise SpecError(f"{place} has {strange[0]!r}, which is no value of the column; expected {', '.join(map(repr, expected[:20]))}.")
    if absent := [value for one, value in known if (one, value) not in typed]:
        raise SpecError(f"{place} has no words for {absent[0]!r}; give words for each of {', '.join(map(repr, expected[:20]))}.")


def _values(kind: Feature) -> tuple[Value, ...]:
    """Return the values of a column that can be listed; none for another column."""
    if isinstance(kind, Category):
        return kind.values
    if isinstance(kind, Boolean):
        return (True, False)
    if (
        isinstance(kind, Numeric)
        and kind.integer
        and kind.low is not None
        and kind.high is not None
        and kind.high - kind.low <= MOST_LISTED
    ):
        return tuple(range(int(kind.low), int(kind.high) + 1))
    return ()
