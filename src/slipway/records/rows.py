"""Rows: a snapshot, how it differs from an earlier one, and whether a release may learn from it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from slipway.records.base import Record
from slipway.records.learning import LearntRows

Outcome = Literal["passed", "asked", "refused"]


class Snapshot(Record):
    """The rows of one run, stored under a name that contains their checksum.

    With `learnt`, rows of the log are among them: then `sha256` is that of both, and the file has the rows of the data set only.
    """

    model: str
    path: Path
    sha256: str
    rows: int
    origin: str
    sample: bool
    learnt: LearntRows | None = None


class ColumnDifference(Record):
    """One column of two snapshots, earlier and later.

    `kinds` are "number", "date" or "text"; "empty" if no cell has a value. `missing` are shares of the rows. `low` and `high`
    are the lowest and the highest number, None for another kind. `distance` is how far the column moved: of numbers, the Wasserstein
    distance in standard deviations of the earlier ones; of anything else, the Jensen-Shannon distance, from 0 to 1. It is None if a
    column is not used, has too many different values, or nothing in one of the two. `by_chance` is the distance that chance explains.
    """

    column: str
    used: bool
    kinds: tuple[str, str]
    missing: tuple[float, float]
    low: tuple[float | None, float | None] = (None, None)
    high: tuple[float | None, float | None] = (None, None)
    distance: float | None = None
    by_chance: float | None = None


class SnapshotDifference(Record):
    """How a later snapshot differs from an earlier one, in the columns that the model uses.

    `rows` counts both. `changed` counts the rows that are still there by their key, with other cells; it is None without a key: then a
    changed row counts as gone and as added. `duplicates` are the rows that repeat an earlier one in every used column. `shares` are those
    of each class, in both.
    """

    model: str
    earlier: str
    later: str
    rows: tuple[int, int]
    added: int
    gone: int
    changed: int | None
    duplicates: tuple[int, int]
    columns_added: list[str]
    columns_gone: list[str]
    columns: list[ColumnDifference]
    shares: dict[str, tuple[float, float]] = Field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        """Whether the rows are the same."""
        return not (self.added or self.gone or self.changed or self.columns_added or self.columns_gone)


class DataFinding(Record):
    """One rule of the data gate, and what it says about the rows: within its limit, a person decides, or refused."""

    name: str
    outcome: Outcome
    reason: str


class Admission(Record):
    """Whether a release may learn from a snapshot. `difference` is None if there is nothing to compare with."""

    model: str
    sha256: str
    findings: list[DataFinding]
    difference: SnapshotDifference | None = None

    @property
    def outcome(self) -> Outcome:
        """The strictest outcome of the findings."""
        outcomes = {finding.outcome for finding in self.findings}
        return "refused" if "refused" in outcomes else "asked" if "asked" in outcomes else "passed"

    @property
    def reasons(self) -> str:
        """What was asked or refused; of rows that passed, all findings."""
        chosen = [finding.reason for finding in self.findings if finding.outcome == self.outcome]
        return "; ".join(chosen)


class NotAdmitted(Record):
    """A release that ended before it was tuned: the data gate refused its rows, or one of a fleet would have to ask a person."""

    outcome: Literal["refused", "needs approval"] = "refused"
    snapshot: Snapshot
    admission: Admission
