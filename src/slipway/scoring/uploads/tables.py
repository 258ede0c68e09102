"""An uploaded table of any kind, opened; and why a file is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slipway.rows.uploads import Mark, ReadTask, Why, WrongFile

MOST_COLUMNS = 2_000


class WrongFileError(Exception):
    """A file that cannot be read, and why."""

    def __init__(self, why: Why, names: Sequence[str] = ()) -> None:
        super().__init__(why)
        self.result = WrongFile(why, tuple(names))


@dataclass(frozen=True, slots=True)
class OpenedTable:
    """The names in the first row of a file, and the rows below, whose numbers are plain. A row may have more or fewer cells than names."""

    names: list[str]
    rows: Iterator[list[str]]
    separator: str = ""
    decimal: Mark = ""


def check_names(names: Sequence[str], task: ReadTask) -> None:
    """Require the columns that the model needs, and each name once."""
    if len(names) > MOST_COLUMNS:
        raise WrongFileError("too_wide")
    if set(task.needed) - set(names):
        raise WrongFileError("columns", names)
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise WrongFileError("twice", twice)


def is_blank(row: Sequence[str]) -> bool:
    """Return whether a row has nothing in any cell."""
    return not (row and row[0].strip()) and not any(map(str.strip, row))
