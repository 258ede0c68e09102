"""The files of `slipway score` as a person downloads them: in the dialect of the person's own file, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, cast

from slipway.files.replacing import replacing
from slipway.pages.files.reasons import ShownReason, shown_reason
from slipway.pages.languages import Language
from slipway.pages.prediction.words import Vocabulary
from slipway.rows.checks import Violation
from slipway.rows.uploads import (
    FIRST_ROW,
    LISTED,
    PREDICTIONS,
    REJECTED,
    SHOWN_PREDICTIONS,
    SHOWN_REJECTED,
    FinishedFile,
    FinishTask,
    Mark,
)

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # a spreadsheet runs what begins so
NUMBER = re.compile(r"[+-]?[0-9]*[.,]?[0-9]+([eE][+-]?[0-9]+)?")


def finish(folder: Path, task: FinishTask) -> FinishedFile:
    """Write both files for downloading, the one of rejected rows only if there are any, and count what is in them."""
    counted = _predictions(folder, task)
    violations = list(_violations(folder / REJECTED))
    if violations:
        _rejected(folder / SHOWN_REJECTED, violations, task)
    return FinishedFile(
        answered=counted.total(),
        rejected=len({one.row for one in violations}),
        violations=len(violations),
        first=tuple(violations[:LISTED]),
        labels=counted.labels,
        numbers=counted.numbers,
    )


class Answers:
    """The answers of a file, counted: by class, or the numbers themselves."""

    def __init__(self, column: int, classes: bool) -> None:
        self._column, self._classes = column, classes
        self._labels: Counter[str] = Counter()
        self._numbers: list[float] = []

    def count(self, row: list[str]) -> None:
        if self._classes:
            self._labels[row[self._column]] += 1
        else:
            self._numbers.append(float(row[self._column]))

    def total(self) -> int:
        return self._labels.total() + len(self._numbers)

    @property
    def labels(self) -> dict[str, int]:
        return dict(self._labels)

    @property
    def numbers(self) -> tuple[float, float, float] | None:
        """The lowest, the median and the highest number."""
        return (min(self._numbers), median(self._numbers), max(self._numbers)) if self._numbers else None


def _predictions(folder: Path, task: FinishTask) -> Answers:
    """Write the predictions with the numbers of rows as a spreadsheet has them."""
    kinds = task.contract.output.columns()
    with (folder / PREDICTIONS).open(encoding="utf-8", newline="") as source, _writer(folder / SHOWN_PREDICTIONS, task) as writer:
        rows = csv.reader(source)
        names = next(rows)
        places = {names.index(name): kind for name, kind in kinds.items()}
        answers = Answers(next(iter(places)), classes=task.contract.quantity is None)
        numbers = [place for place, kind in places.items() if kind == "number"]
        texts = [place for place in range(1, len(names)) if place not in numbers]
        writer.writerow(map(harmless, names))
        for row in rows:
            answers.count(row)
            row[0] = str(int(row[0]) + FIRST_ROW)
            for place in numbers:
                row[place] = in_dialect(row[place], task.decimal)
            for place in texts:
                row[place] = harmless(row[place])
            writer.writerow(row)
    return answers


def _violations(path: Path) -> Iterator[Violation]:
    """Yield what is wrong with the rejected rows, numbered as in a spreadsheet."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as source:
        rows = csv.reader(source)
        next(rows, None)
        for row, column, expected, received in rows:
            yield Violation(int(row) + FIRST_ROW, column or None, expected, received)


def _rejected(path: Path, violations: Iterable[Violation], task: FinishTask) -> None:
    words = Vocabulary(task.contract, task.words, cast(Language, task.language))
    with _writer(path, task) as writer:
        writer.writerow(ShownReason.heads(words.language))
        for one in violations:
            shown = shown_reason(words, one)
            writer.writerow([shown.row, *map(harmless, (shown.column, shown.expected, shown.received))])


@contextmanager
def _writer(path: Path, task: FinishTask) -> Iterator[Any]:
    with replacing(path, private=True) as raw:
        writer = csv.writer(_Encoded(raw), delimiter=task.separator, lineterminator="\r\n")
        raw.write(b"\xef\xbb\xbf")  # without this mark, Excel takes UTF-8 for another encoding
        yield writer


class _Encoded:
    """A file of bytes for a writer of texts."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def write(self, text: str) -> None:
        self._raw.write(text.encode())


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: a text gets an apostrophe in front, a number stays a number."""
    return f"'{cell}" if cell.startswith(FORMULA) and not NUMBER.fullmatch(cell) else cell


def in_dialect(number: str, decimal: Mark) -> str:
    return number.replace(".", ",") if decimal == "," else number
