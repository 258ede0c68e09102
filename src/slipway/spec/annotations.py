"""Whether a value is of the type that its field is annotated with, and the words for both.

pydantic and msgspec check annotations too, but to build an object from plain values: they convert, or know no union of dataclasses. A
model's file makes its objects itself, so here values are only compared, and nothing has to be imported or built for it.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from slipway.problems.estimators import Distribution, Estimator

SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = 60

# a type -> one such value, and several
WORDS: dict[Any, tuple[str, str]] = {
    bool: ("True or False", "booleans"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("a text", "texts"),
    list: ("a list", "lists"),
    tuple: ("a tuple", "tuples"),
    set: ("a set", "sets"),
    dict: ("a dictionary", "dictionaries"),
    NoneType: ("None", "None"),
    Estimator: ("an estimator of scikit-learn, such as LogisticRegression()", "estimators of scikit-learn"),
    Distribution: ("a distribution of Optuna, such as FloatDistribution(0.1, 10)", "distributions of Optuna"),
}


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A value of the wrong type: the keys and positions that lead to it inside its field, what its place takes, and the value."""

    path: tuple[Any, ...]
    expected: Any
    received: Any
    is_key: bool = False

    def describe(self, field: str, required: bool) -> str:
        """Return the sentences for a person: place, received, expected, and what to write instead.

        Args:
            required: Whether the field has no default.
        """
        place = field + "".join(f"[{key!r}]" for key in self.path)
        received = f"the key {short(self.received)} of {place}" if self.is_key else f"{place}={short(self.received)}"
        is_said = self.received is None or any(get_origin(option) is Literal for option in _options(self.expected))
        kind = "" if is_said else f" is {_kind(self.received)}"
        return " ".join(filter(None, (f"{received}{kind}; expected {words(self.expected)}.", self._way_out(place, required))))

    def _way_out(self, place: str, required: bool) -> str:
        options, value = _options(self.expected), self.received
        if isinstance(value, type):
            return f"Write {value.__name__}()." if Estimator in options else f"Write {value.__name__}(...)."
        if value is None:
            return "Give a value." if required or self.path else "Leave it out to use the default."
        if isinstance(value, str) and {int, float, bool} & set(options):
            return "Write it without quotation marks."
        if isinstance(value, bool) and int in options:
            return f"Write {int(value)}."
        if isinstance(value, int | float) and str in options:
            return "Put it in quotation marks."
        if any(get_origin(option) is tuple for option in options) and not isinstance(value, tuple):
            return f"Write {short(tuple(value) if isinstance(value, list | set) else (value,))}."
        names = [_word(option) for option in options if is_dataclass(option)]
        return f"Write {' or '.join(names)}." if names and not self.path else ""


def mismatches(value: Any, hint: Any, path: tuple[Any, ...] = ()) -> Iterator[Mismatch]:
    """Yield every value, the field's own or one inside it, that is not of the annotated type."""
    if hint is Any:
        return
    kind, options = get_origin(hint) or hint, get_args(hint)
    if kind in (Union, UnionType):
        found = [list(mismatches(value, option, path)) for option in options]
        if all(found):  # what is wrong inside says more than that the whole is wrong
            yield from next((inside for inside in found if inside[0].path != path), [Mismatch(path, hint, value)])
    elif not _fits(value, kind, options):
        yield Mismatch(path, hint, value)
    elif isinstance(value, Mapping) and options:
        for key, item in value.items():
            yield from (Mismatch(path, wrong.expected, key, is_key=True) for wrong in mismatches(key, options[0]))
            yield from mismatches(item, options[1], (*path, key))
    elif kind is tuple and options:
        for place, item in enumerate(value):
            yield from mismatches(item, options[0], (*path, place))  # a field's tuple has any number of items of one type


def _fits(value: Any, kind: Any, options: tuple[Any, ...]) -> bool:
    """Return whether a value itself is of a type, whatever is inside it. True and False are no numbers, a whole number is a number."""
    if kind is Literal:
        return any(type(value) is type(option) and value == option for option in options)
    if kind in (int, float):
        return isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and not isinstance(value, type)  # a class has the methods of its instances


def words(hint: Any) -> str:
    """Return what a type's values are called in a model's file."""
    options = sorted(_options(hint), key=lambda option: option is NoneType)
    *others, last = dict.fromkeys(map(_word, options))
    return f"{', '.join(others)} or {last}" if others else last


def short(value: Any) -> str:
    """Return a value as it is written in a model's file, cut if it is long."""
    return value.__name__ if isinstance(value, type) else " ".join(SHORT.repr(value).split())


def _word(hint: Any) -> str:
    kind, options = get_origin(hint) or hint, get_args(hint)
    if kind is Literal:
        return f"one of {', '.join(map(repr, options))}" if len(options) > 1 else repr(options[0])
    if kind is tuple and options:
        return f"a tuple of {_several(options[0])}"
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return f"a dictionary from {words(options[0])} to {words(options[1])}" if options else "a dictionary"
    if kind in WORDS:
        return WORDS[kind][0]
    name: str = kind.__name__
    return f"{name}(...)" if is_dataclass(kind) else f"a value of the type {name}"


def _several(hint: Any) -> str:
    return " or ".join(WORDS[option][1] if option in WORDS else _word(option) for option in _options(hint))


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    return "a class" if isinstance(value, type) else WORDS[type(value)][0] if type(value) in WORDS else f"a {type(value).__name__}"
