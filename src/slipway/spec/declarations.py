"""What all declared classes do when they are made: they refuse fields that are missing, unknown or of the wrong type.

`slipway.spec` makes all its classes do so, so a new one needs nothing for it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache, wraps
from typing import Any, get_type_hints

from slipway.errors import SpecError
from slipway.spec.annotations import mismatches


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a declaration: the field and the keys that lead to the place, as far as they are known, and the sentences."""

    path: tuple[Any, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Place:
    """A call in a file that makes an object: first and last line and column as `ast` counts them, and the class with its fields."""

    file: str
    lines: tuple[int, int]
    columns: tuple[int, int]
    declared: str
    fields: tuple[str, ...]


class Collector:
    """Collects the faults of model files that are executed, so that each file is read to its end.

    An object with a fault is made all the same, and the fields that contain it are not checked further. Nothing that was made may be used
    if there is a fault: this is for a process that only checks files.
    """

    def __init__(self, is_model: Callable[[str], bool]) -> None:
        """Collect for the files that `is_model` accepts."""
        self.faults: list[tuple[Place, Fault]] = []
        self._is_model = is_model
        self._faulty: dict[int, Any] = {}  # by identity; the objects are kept, so that no other gets the same one

    def make(self, one: Any, made: Callable[..., None], given: Mapping[str, Any], faults: Collection[Fault]) -> None:
        """Make a declared object, and collect what is wrong with it."""
        declared: Any = type(one)
        faults = list(faults)
        wrong = {fault.path[0] for fault in faults if fault.path} | {name for name, value in given.items() if self._has_fault(value)}
        wrong |= {*_required(declared)} - given.keys()
        if faults or wrong:
            _fill(one, given)
        else:
            try:
                made(one, **given)
            except SpecError as error:
                _fill(one, given)
                if not hasattr(one, "contradictions"):
                    faults.append(Fault(_path(str(error), [field.name for field in fields(one)]), str(error)))
        if hasattr(one, "contradictions"):
            faults += [Fault(_path(message, about) or about[:1], message) for about, message in one.contradictions(wrong)]
        if faults or wrong:
            self._faulty[id(one)] = one
        self.faults += [(self._place(declared), fault) for fault in faults]

    def _has_fault(self, value: Any) -> bool:
        inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else ()
        return id(value) in self._faulty or any(id(item) in self._faulty for item in inside)

    def _place(self, declared: type) -> Place:
        """Return which call of which model file is executed."""
        frame = sys._getframe()
        while frame.f_back and not self._is_model(frame.f_code.co_filename):
            frame = frame.f_back
        positions = list(frame.f_code.co_positions())[frame.f_lasti // 2]
        first, last, begin, end = (number or 0 for number in positions)
        return Place(frame.f_code.co_filename, (first, last), (begin, end), declared.__name__, tuple(_fields(declared)))


COLLECTOR: ContextVar[Collector | None] = ContextVar("collector", default=None)


@contextmanager
def collecting(is_model: Callable[[str], bool]) -> Iterator[Collector]:
    """Collect what is wrong with declarations instead of refusing the first; see `Collector`."""
    token = COLLECTOR.set(collector := Collector(is_model))
    try:
        yield collector
    finally:
        COLLECTOR.reset(token)


def check_when_made(declared: type) -> None:
    """Have a dataclass check the fields that it is made with."""
    made = declared.__init__  # type: ignore[misc]

    @wraps(made)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        given, faults = _given(declared, args, kwargs)
        required = _required(declared)
        for name, value in given.items():
            for wrong in mismatches(value, _types(declared)[name]):
                faults.append(Fault((name, *wrong.path), f"{_subject(declared, given)}: {wrong.describe(name, name in required)}"))
        if collector := COLLECTOR.get():
            collector.make(self, made, given, faults)
        elif faults:
            raise SpecError(faults[0].message)
        else:
            made(self, **given)

    declared.__init__ = checked  # type: ignore[misc]


def _given(declared: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Return the values by field, and what is wrong with the names."""
    names = _fields(declared)
    ordered = [name for name, field in names.items() if not field.kw_only]
    given = dict(zip(ordered, args, strict=False)) | {name: value for name, value in kwargs.items() if name in names}
    subject, all_names = _subject(declared, given), ", ".join(names)
    faults, meant = [], set()
    if len(args) > len(ordered):
        most = f"at most {len(ordered)} values" if ordered else "no value"
        faults.append(Fault((), f"{subject}: {most} may be without a name, received {len(args)}; name each one: {all_names}."))
    for name in kwargs:
        if name not in names:
            from difflib import get_close_matches

            near = get_close_matches(name, names, n=1)
            meant.update(near)
            instead = f"write {near[0]}" if near else f"the fields are {all_names}"
            faults.append(Fault((name,), f"{subject}: {name} is no field of {declared.__name__}; {instead}."))
        elif name in ordered[: len(args)]:
            faults.append(Fault((name,), f"{subject}: {name} has two values, one by its place and one by its name; leave one out."))
    for name in _required(declared):
        if name not in given and name not in meant:
            faults.append(Fault((name,), f"{subject}: {name} is missing; {declared.__name__}(...) needs it, as there is no default."))
    return given, faults


def _subject(declared: type, given: Mapping[str, Any]) -> str:
    """Return what a message is about: the model, if it has a name by now, else the class."""
    name = given.get("name") if hasattr(declared, "contradictions") else None
    return name if isinstance(name, str) else declared.__name__


def _path(message: str, names: Collection[str]) -> tuple[Any, ...]:
    """Return the field that a message is about, and the key in it: `port=0`, `slices['Age']`, or the first word that is a field."""
    word = "|".join(map(re.escape, names))
    for pattern in (rf"\b({word})(?:\[['\"](.+?)['\"]\]|=)", rf"\b({word})\b()"):
        if found := re.search(pattern, message):
            return tuple(filter(None, found.groups()))
    return ()


def _fill(one: Any, given: Mapping[str, Any]) -> None:
    """Give an object the values that it was to have, and the defaults of the others."""
    declared: Any = type(one)
    for name, field in _fields(declared).items():
        if name in given:
            object.__setattr__(one, name, given[name])
        elif field.default is not MISSING:
            object.__setattr__(one, name, field.default)
        elif field.default_factory is not MISSING:
            object.__setattr__(one, name, field.default_factory())


@cache
def _fields(declared: Any) -> dict[str, Field[Any]]:
    return {field.name: field for field in fields(declared) if field.init}


@cache
def _required(declared: Any) -> tuple[str, ...]:
    return tuple(name for name, field in _fields(declared).items() if field.default is MISSING and field.default_factory is MISSING)


@cache
def _types(declared: Any) -> dict[str, Any]:
    return get_type_hints(declared)
