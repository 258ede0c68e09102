"""What the gateway and the program that reads uploaded files say to each other, as JSON: see `slipway.scoring.uploads`."""

from __future__ import annotations

from typing import Literal

import msgspec

from slipway.bundle.contract import Contract
from slipway.bundle.wording import Words
from slipway.rows.checks import Violation

UPLOADED, ROWS = "uploaded", "rows.csv"  # files in an upload's folder: as it came, and as plain CSV
PREDICTIONS, REJECTED = "predictions.csv", "predictions.csv.rejected.csv"  # as `slipway score` writes them
SHOWN_PREDICTIONS, SHOWN_REJECTED = "shown-predictions.csv", "shown-rejected.csv"  # as a person downloads them

LISTED = 100  # violations that a page shows
FIRST_ROW = 2  # the number of the first row in a spreadsheet, whose names are in row 1

Mark = Literal["", ".", ","]
Why = Literal[
    "empty",
    "no_rows",
    "too_many_rows",
    "too_large",
    "too_wide",
    "columns",
    "twice",
    "reserved",
    "no_text",
    "no_csv",
    "compressed",
    "archive",
    "old_excel",
    "damaged",
]


class ReadTask(msgspec.Struct, frozen=True):
    """Read the file of an upload. `needed` are the columns of the model, `numeric` those of them that are numbers.

    `decimal` is the decimal mark of the numbers in a text file, "" to recognise it. `language` is that of the person who sent it.
    """

    needed: tuple[str, ...]
    numeric: tuple[str, ...]
    decimal: Mark
    language: str
    most_rows: int


class ReadFile(msgspec.Struct, frozen=True, tag="read"):
    """A file that became plain CSV: its rows, all its columns, its bytes as plain CSV.

    `separator` and `decimal` are those of a text file, "" for one whose cells have types.
    """

    rows: int
    names: tuple[str, ...]
    size: int
    separator: str
    decimal: Mark


class WrongFile(msgspec.Struct, frozen=True, tag="wrong"):
    """Why a file cannot be read. `names` are the columns that it is about."""

    why: Why
    names: tuple[str, ...] = ()


class FinishTask(msgspec.Struct, frozen=True):
    """Write the files that a person downloads, in the dialect and the language of the person."""

    contract: Contract
    words: dict[str, Words]
    language: str
    separator: str
    decimal: Mark


class FinishedFile(msgspec.Struct, frozen=True):
    """What came of the rows. `labels` counts answers by the class as text; `numbers` are the lowest, the median and the highest answer.

    `violations` is the number of all cells and rows that break the contract; `first` are some of them, numbered as in a spreadsheet.
    """

    answered: int
    rejected: int
    violations: int
    first: tuple[Violation, ...]
    labels: dict[str, int] = {}
    numbers: tuple[float, float, float] | None = None


Reading = ReadFile | WrongFile
