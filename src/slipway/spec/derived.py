"""The columns that a model derives from those that callers send."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from slipway.errors import SpecError


@dataclass(frozen=True, slots=True)
class Difference:
    """A column that the model derives: `minuend` minus `subtrahend`, both sent by the caller. It replaces the minuend."""

    minuend: str
    subtrahend: str

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.subtrahend, self.minuend)

    @property
    def replaced(self) -> tuple[str, ...]:
        return (self.minuend,)


@dataclass(frozen=True, slots=True)
class WeightedMean:
    """A column that the model derives from several numbers and their weights. The numbers stay columns of their own."""

    weights: Mapping[str, float]

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(self.weights)

    @property
    def replaced(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Ratio:
    """A column that the model derives: `numerator` divided by `denominator`. Both stay columns of their own.

    It is a missing number where the denominator is 0, or where one of the two is missing.
    """

    numerator: str
    denominator: str

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.numerator, self.denominator)

    @property
    def replaced(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Lookup:
    """A column that the model derives: the number that `table` has for the value of `column`, a category or a nominal number.

    Every value that the column lists is in the table, with None where its number is not known: that is a missing number. So is that of
    a missing cell, and of a text which only `other=True` allows, unless the table has it. `instead`: the model sees the number and no
    longer the column.
    """

    column: str
    table: Mapping[str | int, float | None]
    instead: bool = False

    def __post_init__(self) -> None:
        if not self.known:
            raise SpecError(f"the table for {self.column!r} has no number.")
        if wrong := [value for value, number in self.known.items() if isinstance(number, bool) or not _finite(number)]:
            raise SpecError(
                f"the table for {self.column!r}: expected a number or None for {wrong[0]!r}, received {self.table[wrong[0]]!r}."
            )

    @property
    def known(self) -> dict[str | int, float]:
        """The values with a number."""
        return {value: number for value, number in self.table.items() if number is not None}

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def replaced(self) -> tuple[str, ...]:
        return self.sources if self.instead else ()


def _finite(number: object) -> bool:
    return isinstance(number, int | float) and math.isfinite(number)


Derived = Difference | WeightedMean | Ratio | Lookup
