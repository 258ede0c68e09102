"""The columns of a model: those that callers send, those derived from them, and the one that is predicted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Literal

from slipway.errors import SpecError
from slipway.problems.classification.target import Target
from slipway.problems.regression.target import Quantity
from slipway.spec.derived import Derived, Lookup, Ratio
from slipway.spec.texts import Text

Part = Literal["year", "month", "weekday", "hour"]


@dataclass(frozen=True, slots=True)
class Numeric:
    """A number that the caller sends.

    `low` and `high` are inclusive and in `unit`. A value outside is refused, so they are what is physically possible, not the range
    of the training rows; None is no limit. `missing`: a cell may be missing (an empty cell, null or NaN). `zero_is_missing` marks a
    column in which zero means "not measured". `nominal` marks whole numbers that name things, such as codes of occupations: their
    order means nothing.
    """

    low: float | None = None
    high: float | None = None
    unit: str = ""
    description: str = ""
    integer: bool = False
    zero_is_missing: bool = False
    nominal: bool = False
    missing: bool = False

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise SpecError(f"{self.description!r}: the range {self.low} to {self.high} is empty; low must be below high.")
        for name in ("low", "high"):
            if (value := getattr(self, name)) is not None and not math.isfinite(value):
                raise SpecError(f"{self.description!r}: {name}={value} is not a number; leave {name} out if there is no limit.")
        if self.nominal and not (self.integer and self._is_whole(self.low) and self._is_whole(self.high)):
            raise SpecError(f"{self.description!r}: nominal numbers are whole: set integer=True, and a range of whole numbers.")
        if self.nominal and self.zero_is_missing:
            raise SpecError(f"{self.description!r}: a nominal number has no median that could replace a missing value.")

    @staticmethod
    def _is_whole(limit: float | None) -> bool:
        return limit is not None and float(limit).is_integer()

    @property
    def codes(self) -> tuple[int, ...]:
        """All numbers of a nominal column; none for another."""
        return tuple(range(int(self.low or 0), int(self.high or 0) + 1)) if self.nominal else ()

    @property
    def range(self) -> str:
        """The allowed numbers in words; "" if every number is allowed."""
        if self.low is None and self.high is None:
            return ""
        if self.low is None:
            return f"at most {self.high:g}"
        return f"at least {self.low:g}" if self.high is None else f"{self.low:g} to {self.high:g}"

    def allowed(self, number: float) -> bool:
        """Return whether a number is in the range."""
        return (self.low is None or self.low <= number) and (self.high is None or number <= self.high)


@dataclass(frozen=True, slots=True)
class Category:
    """One of a fixed list of texts.

    `missing`: a cell may be missing (an empty cell, null or NaN). `other`: a text that is not in the list is taken too. The model
    then knows only that it is none of the values; it learns from the rows in which that was so, and from a missing cell likewise.
    `ordered`: the values go from the lowest to the highest. The model sees one number, 0 for the first; a text that is not in the list
    has no place in the order, so it is a missing number.
    """

    values: tuple[str, ...]
    description: str
    missing: bool = False
    other: bool = False
    ordered: bool = False

    def __post_init__(self) -> None:
        if len(set(self.values)) != len(self.values) or len(self.values) < 2:
            raise SpecError(f"{self.description!r}: a category needs two or more different values, not {list(self.values)}.")
        if self.missing and "" in self.values:
            raise SpecError(f"{self.description!r}: an empty text is a missing cell, so it cannot be one of the values too; leave it out.")


@dataclass(frozen=True, slots=True)
class Boolean:
    """Yes or no: true and false in JSON; in a file also yes and no, t and f, y and n, 1 and 0, in any case.

    `missing`: a cell may be missing (an empty cell, null or NaN).
    """

    description: str
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Date:
    """A day, or with `time=True` a time of a day, without a zone. A model sees parts of it and spans, as numbers.

    Callers send ISO text, "2026-11-29" or "2026-11-29T10:30:00". A file may have another `format`, as `datetime.strptime` reads it:
    "%d/%m/%Y" for 31/12/2025. `parts`: "year" (since 1970), "month" (1 to 12), "weekday" (0 is Monday), "hour". `since`: another column
    of dates, or a fixed day as ISO text; the model sees the days from then to this date, with fractions if one of the two has a time.
    A date without parts is only what another date is since. `missing`: a cell may be missing (an empty cell or null).
    """

    description: str
    parts: tuple[Part, ...] = ("year", "month", "weekday")
    since: str = ""
    missing: bool = False
    format: str = ""
    time: bool = False

    def __post_init__(self) -> None:
        if len(set(self.parts)) < len(self.parts):
            raise SpecError(f"{self.description!r}: parts={self.parts} has a part twice.")
        if "hour" in self.parts and not self.time:
            raise SpecError(f"{self.description!r}: a day has no hour; set time=True, or leave the hour out.")
        if self.format:
            self._refuse_format()

    def _refuse_format(self) -> None:
        example = datetime(2025, 12, 31, 22, 45) if self.time else datetime(2025, 12, 31)
        try:
            same = datetime.strptime(example.strftime(self.format), self.format) == example
        except ValueError:
            same = False
        if not same:
            what = "a time (2025-12-31 22:45)" if self.time else "a day (2025-12-31)"
            raise SpecError(f"{self.description!r}: format={self.format!r} does not write {what} so that it can be read again.")

    @property
    def fixed_day(self) -> date | None:
        """The fixed day that it is since; None if there is none."""
        try:
            return date.fromisoformat(self.since)
        except ValueError:
            return None


Feature = Numeric | Category | Boolean | Date | Text


@dataclass(frozen=True, slots=True)
class Columns:
    """Every column of the file: those that callers send, in a natural order, the predicted one, and those left out, with reasons.

    The target decides the kind of problem: with a `Target` the model is a classifier, with a `Quantity` a regression. `weight`: another
    column, whose number says for how many people or things a row stands. Models learn from it and figures count by it; callers never
    send it.
    """

    features: Mapping[str, Feature]
    target: Target | Quantity
    excluded: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, Derived] = field(default_factory=dict)
    weight: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", MappingProxyType(dict(self.features)))
        object.__setattr__(self, "excluded", MappingProxyType(dict(self.excluded)))
        object.__setattr__(self, "derived", MappingProxyType(dict(self.derived)))
        if not self.features:
            raise SpecError("a model needs at least one feature.")
        if self.target.name in self.features:
            raise SpecError(f"the target {self.target.name} is among the features; a model must not see its answer.")
        if both := sorted(set(self.excluded) & {*self.features, self.target.name}):
            raise SpecError(f"{both} are both used and excluded; choose one.")
        if self.weight in {*self.features, self.target.name, *self.excluded}:
            raise SpecError(
                f"weight={self.weight!r} is used as something else too; a weight is no feature, and needs no reason in excluded."
            )
        self._refuse_dates()
        for name, how in self.derived.items():
            self._refuse_derived(name, how)

    def _refuse_derived(self, name: str, how: Derived) -> None:
        """Refuse a derived column without its sources, or with arithmetic that means nothing."""
        if isinstance(how, Lookup):
            self._refuse_lookup(name, how)
            return
        if unknown := sorted(set(how.sources) - {*self.numeric, *self.booleans}):
            raise SpecError(f"{name} is derived from {unknown}, which are neither numeric nor boolean features.")
        if named := sorted(set(how.sources) & set(self.nominal)):
            raise SpecError(f"{name} is derived from {named}, which are nominal: there is no arithmetic for names.")
        if isinstance(how, Ratio) and how.numerator == how.denominator:
            raise SpecError(f"{name} divides {how.numerator!r} by itself.")

    def _refuse_lookup(self, name: str, how: Lookup) -> None:
        kind = self.features.get(how.column)
        if not isinstance(kind, Category) and how.column not in self.nominal:
            raise SpecError(f"{name} looks up {how.column!r}, which is neither a category nor a nominal number among the features.")
        values = kind.values if isinstance(kind, Category) else self.nominal[how.column].codes
        if absent := [value for value in values if value not in how.table]:
            raise SpecError(f"{name}: the table has no number for {absent[0]!r} of {how.column!r}; add it, or None if it is not known.")
        allowed = isinstance(kind, Category) and kind.other
        if strange := [value for value in how.table if type(value) is not type(values[0]) or not (allowed or value in values)]:
            raise SpecError(f"{name}: the table has {strange[0]!r}, which is no value of {how.column!r}.")

    def _refuse_dates(self) -> None:
        """Refuse a date of which the model would see nothing, and one that is since a column that is no date."""
        for name, kind in self.dates.items():
            if kind.since and kind.fixed_day is None and (kind.since not in self.dates or kind.since == name):
                others = [other for other in self.dates if other != name]
                raise SpecError(
                    f"{name}: since={kind.since!r} is no other column of dates ({', '.join(others) or 'there is none'}), "
                    "and no day such as 2020-01-01."
                )
            if not kind.parts and not kind.since and name not in {other.since for other in self.dates.values()}:
                raise SpecError(f"{name}: the model would see nothing of this date; give it parts, or since.")

    @property
    def names(self) -> list[str]:
        return list(self.features)

    @property
    def numeric(self) -> dict[str, Numeric]:
        return {name: kind for name, kind in self.features.items() if isinstance(kind, Numeric)}

    @property
    def nominal(self) -> dict[str, Numeric]:
        """The numeric features whose numbers name things."""
        return {name: kind for name, kind in self.numeric.items() if kind.nominal}

    @property
    def numbers(self) -> dict[str, Numeric | Boolean]:
        """The features that are numbers to a model: those whose numbers name nothing, and booleans as 0 and 1."""
        return {
            name: kind
            for name, kind in self.features.items()
            if isinstance(kind, Boolean) or (isinstance(kind, Numeric) and not kind.nominal)
        }

    @property
    def numbers_have_gaps(self) -> bool:
        """Whether a number that the model sees may be missing: of a number, a boolean, a date, an ordered category or a derived one."""
        lenient = any(kind.missing or kind.other for kind in self.ordered.values())
        return (
            lenient
            or any(map(self.may_be_missing, self.derived.values()))
            or any(kind.missing for kind in [*self.numbers.values(), *self.dates.values()])
        )

    def may_be_missing(self, how: Derived) -> bool:
        """Return whether a derived number may be missing: without one of its sources, a denominator of 0, or a number in its table."""
        kinds = [self.features[name] for name in how.sources]
        if any(kind.missing for kind in kinds):
            return True
        if isinstance(how, Lookup):
            return len(how.known) < len(how.table) or any(isinstance(kind, Category) and kind.other for kind in kinds)
        return isinstance(how, Ratio) and self.may_be_zero(how.denominator)

    def may_be_zero(self, name: str) -> bool:
        """Return whether a number or a boolean may be 0."""
        kind = self.features[name]
        return not isinstance(kind, Numeric) or kind.allowed(0)

    @property
    def booleans(self) -> dict[str, Boolean]:
        return {name: kind for name, kind in self.features.items() if isinstance(kind, Boolean)}

    @property
    def dates(self) -> dict[str, Date]:
        return {name: kind for name, kind in self.features.items() if isinstance(kind, Date)}

    @property
    def texts(self) -> dict[str, Text]:
        return {name: kind for name, kind in self.features.items() if isinstance(kind, Text)}

    @property
    def spans(self) -> dict[str, str]:
        """The dates that are since another date, and which."""
        return {name: kind.since for name, kind in self.dates.items() if kind.since in self.dates}

    @property
    def categorical(self) -> dict[str, Category]:
        return {name: kind for name, kind in self.features.items() if isinstance(kind, Category)}

    @property
    def ordered(self) -> dict[str, Category]:
        """The categories whose values have an order."""
        return {name: kind for name, kind in self.categorical.items() if kind.ordered}

    @property
    def file_columns(self) -> list[str]:
        """All columns that the CSV must have."""
        return [*self.features, self.target.name, *([self.weight] if self.weight else []), *self.excluded]
