"""The rows of an uploaded file as a request of the API, but for rows that break the contract: they are left out, and reported."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.audit import prediction_id
from slipway.gateway.bodies.shapes import Columns, ScoredRows
from slipway.gateway.replies import BAD_REQUEST, RequestError
from slipway.rows import spelling
from slipway.rows.checks import Cells, Violation, faults, violation, with_gaps
from slipway.rows.subjects import SUBJECT, Subjects, takes_no_subject, wrong_subjects
from slipway.rows.uploads import PREDICTIONS, REJECTED

if TYPE_CHECKING:
    from slipway.bundle.contract import Column, Contract

REASONS = ("row", "column", "expected", "received")


class NoGoodRowError(RequestError):
    """No row of a file keeps the contract, so nothing is predicted."""

    def __init__(self, total: int) -> None:
        super().__init__(400, BAD_REQUEST, "no row of the file keeps the contract; nothing was predicted.", total=total)


class RowsOfFile:
    """Decodes plain CSV and keeps what the predictions have beside the answers: the numbers of rows, from 0, and the other columns."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self.rows: list[int] = []
        self.kept: dict[str, list[str]] = {}

    def decode(self, _: str, body: bytes, contract: Contract) -> tuple[Columns, Subjects]:
        """Return the rows that keep the contract, and their subjects.

        Raises:
            NoGoodRowError: There is none.
        """
        names, *rows = csv.reader(io.StringIO(body.decode(), newline=""))
        complete = [place for place, row in enumerate(rows) if len(row) == len(names)]
        for place, row in enumerate(rows):
            if len(row) != len(names):
                self.violations.append(Violation(place, None, f"{len(names)} cells", f"{len(row)} cells"))
        texts = dict(zip(names, zip(*(rows[place] for place in complete), strict=True), strict=True)) if complete else {}
        return self._good(texts, complete, contract)

    def _good(self, texts: Mapping[str, Sequence[str]], places: list[int], contract: Contract) -> tuple[Columns, Subjects]:
        columns = {column.name: _cells(column, texts.get(column.name, ())) for column in contract.columns}
        subjects = [] if takes_no_subject(contract) else [cell or None for cell in texts.get(SUBJECT, ())]
        wrong = wrong_subjects(subjects)
        for column in contract.columns:
            wrong += [violation(row, column, columns[column.name][row]) for row in faults(column, columns[column.name])]
        good = [True] * len(places)
        for one in wrong:
            good[one.row] = False
        self.violations += [Violation(places[one.row], one.column, one.expected, one.received) for one in wrong]
        self.violations.sort(key=lambda one: one.row)
        self.rows = list(compress(places, good))
        if not self.rows:
            raise NoGoodRowError(len(self.violations))
        self.kept = {name: list(compress(cells, good)) for name, cells in texts.items() if name not in columns}
        return {name: list(compress(cells, good)) for name, cells in columns.items()}, list(compress(subjects, good))

    def write(self, folder: Path, scored: ScoredRows | None, contract: Contract, request_id: str) -> None:
        """Write the files that `slipway score` would write, so that all later steps are those of a large file."""
        columns = [*self.kept, *contract.output.columns()]
        with (folder / PREDICTIONS).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["row", *columns, "version", "prediction_id"])
            if scored:
                writer.writerows(self._answers(scored, contract, request_id))
        if self.violations:
            with (folder / REJECTED).open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerows([REASONS, *((one.row, one.column, one.expected, one.received) for one in self.violations)])

    def _answers(self, scored: ScoredRows, contract: Contract, request_id: str) -> Iterable[Sequence[Any]]:
        import numpy as np  # loaded already, by the bundle that answered

        answers = contract.output.cells(scored.labels, np.asarray(scored.probabilities))
        ids = (prediction_id(request_id, row) for row in range(len(self.rows)))
        versions = [contract.version] * len(self.rows)
        return zip(self.rows, *self.kept.values(), *(np.asarray(cells, dtype=object) for cells in answers), versions, ids, strict=True)


def reserved(contract: Contract) -> set[str]:
    """Return the names of columns that predictions have, which no other column of a file may have."""
    return {"row", "version", "prediction_id", *contract.output.columns()}


def _cells(column: Column, texts: Sequence[str]) -> Cells:
    cells = spelling.of_column(column, texts)
    return with_gaps(column, cells) if column.missing else cells
