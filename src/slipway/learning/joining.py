"""Answered rows of the log with their outcomes, as training rows. No subject id and no ciphertext leaves the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from slipway.audit import AuditError, Known, Line, Place, known_outcomes, served_rows
from slipway.audit.upkeep.rotation import PseudonymChanges, pseudonym_changes
from slipway.problems.serving import Output
from slipway.spec import Boolean, Category, ModelSpec, Numeric, Outcomes, Quantity

MOST_READ = 1_000_000  # answers that are counted
SIMULATION = "key:simulation"  # the key of `slipway simulate`

ColumnsOf = Callable[[Line], Sequence[str] | None]


class AnsweredRow(NamedTuple):
    """What is known of a row beside its cells: its outcome, the answer and its score, when it was answered, and when its outcome came.

    `answer` is the label that was given, `score` the probability of the positive class, or of the label; of a regression, the answer.
    `caller` sent the outcome.
    """

    outcome: Any
    answer: Any
    score: float
    answered: datetime
    known: datetime
    caller: str
    version: int


@dataclass(frozen=True, slots=True)
class AnsweredRows:
    """(n, columns) answered rows in the order in which their outcomes came, and what else is known of each."""

    features: pd.DataFrame
    each: list[AnsweredRow]

    def __len__(self) -> int:
        return len(self.each)

    def only(self, places: Sequence[int]) -> AnsweredRows:
        """Return some of the rows, in the order given."""
        return AnsweredRows(self.features.iloc[list(places)].reset_index(drop=True), [self.each[at] for at in places])

    @property
    def outcomes(self) -> list[Any]:
        return [row.outcome for row in self.each]

    @property
    def answers(self) -> list[Any]:
        return [row.answer for row in self.each]

    @property
    def scores(self) -> list[float]:
        return [row.score for row in self.each]

    @property
    def sha256(self) -> str:
        """The checksum of what is learnt from: cells and outcomes, in their order."""
        digest = sha256()
        for row, outcome in zip(self.features.itertuples(index=False, name=None), self.outcomes, strict=True):
            digest.update(repr((*row, outcome)).encode())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Joined:
    """The rows with a known outcome, all answers of the same span and versions, and how many rows were left out, by the reason.

    `features` are those of the answers, for the slices of the model; there are none if it has no slices.
    """

    rows: AnsweredRows
    answers: list[Any]
    scores: list[float]
    features: pd.DataFrame
    left_out: dict[str, int] = field(default_factory=dict)


def join(
    spec: ModelSpec, learns: Outcomes, place: Place, until: datetime, columns_of: ColumnsOf, champion: int | None, *, sample: bool
) -> Joined:
    """Return the rows that a release may learn from, as the log had them at a time.

    Args:
        until: Later outcomes, and later corrections, do not count.
        columns_of: Returns the names of the columns of a line, by the version that answered it; None if they are not known any more.
        champion: The version in service.
        sample: Whether the data set has sample rows; simulated rows are learnt from only beside those.
    Raises:
        AuditError: The log cannot be read, or its pseudonyms are being replaced, and one row of each subject is wanted.
    """
    since = None if learns.days is None else until - timedelta(days=learns.days)
    last = until - timedelta(days=learns.delay)
    left_out: Counter[str] = Counter()
    chosen = _Choice(spec, learns, columns_of, champion, sample, spec.problem.output(None, 0.0))

    wanted: list[Known] = []
    changes = pseudonym_changes(place) if learns.subjects == "latest" else None
    for row in known_outcomes(place, spec.service, since=None, until=until):
        answered = datetime.fromisoformat(row.line.time)
        if (since and answered < since) or answered >= last:
            left_out["answered outside of the span"] += 1
        elif why := chosen.objection(row.line) or chosen.wrong_outcome(row.outcome):
            left_out[why] += 1
        else:
            wanted.append(row)
    if changes:
        _require_same(changes, pseudonym_changes(place), spec)
        wanted = _latest(wanted, left_out)
    if (extra := len(wanted) - learns.most) > 0:
        left_out["older than the most rows"] += extra
        wanted = wanted[extra:]
    # the answers beside which the outcomes are counted: of the time from which there are rows to learn from
    first = min((datetime.fromisoformat(row.line.time) for row in wanted), default=last)
    lines = served_rows(place, spec.service, since=first, until=last, limit=MOST_READ)
    if len(lines) < MOST_READ:  # then a row that is none of them was pruned a moment ago
        there = {line.prediction_id for line in lines}
        wanted = [row for row in wanted if row.line.prediction_id in there]
    answers = [line for line in lines if not chosen.objection(line)]
    return Joined(
        rows=_rows(spec, wanted, columns_of),
        answers=[line.label for line in answers],
        scores=[_score(spec, line) for line in answers],
        features=_features(spec, answers if spec.slices else [], columns_of),  # up to a million, for nothing else
        left_out=dict(left_out),
    )


@dataclass(slots=True)
class _Choice:
    """Which lines a release may learn from."""

    spec: ModelSpec
    learns: Outcomes
    columns_of: ColumnsOf
    champion: int | None
    sample: bool
    output: Output

    def objection(self, line: Line) -> str:
        """Return why a line is left out; "" if it is not."""
        if self.learns.versions == "in service" and line.version != self.champion:
            return "answered by another version"
        if line.key == SIMULATION and not self.sample:
            return "simulated"
        names = self.columns_of(line)
        if names is None or not set(self.spec.columns.names) <= set(names):
            return "answered under other columns"
        cells = dict(zip(names, line.row, strict=True))
        if any(not _fits(kind, cells[name]) for name, kind in self.spec.columns.features.items()):
            return "outside of the columns of today"
        return ""

    def wrong_outcome(self, outcome: Any) -> str:
        return "" if self.output.outcome(outcome) is not None else "an outcome that is none of today"


def _fits(kind: Any, cell: Any) -> bool:
    """Return whether a cell of the log is one of its column still: the column may have been narrowed since."""
    if cell is None:
        return bool(kind.missing)
    if isinstance(kind, Numeric):
        return (kind.low is None or cell >= kind.low) and (kind.high is None or cell <= kind.high)
    if isinstance(kind, Category):
        return kind.other or cell in kind.values
    return isinstance(cell, bool) if isinstance(kind, Boolean) else isinstance(cell, str)


def _require_same(before: PseudonymChanges, after: PseudonymChanges, spec: ModelSpec) -> None:
    """Refuse to look for the rows of one subject while pseudonyms are replaced: then one subject may have two.

    Raises:
        AuditError: They are.
    """
    if after.goes_on or after != before:
        raise AuditError(
            f"{spec.name} learns from the latest row of each subject, and the pseudonyms of subjects are being replaced. Release again "
            "when this has ended; if it was stopped, `slipway audit rotate-keys` finishes it."
        )


def _latest(rows: Iterable[Known], left_out: Counter[str]) -> list[Known]:
    """Keep the latest row of each subject; a row without a subject is one by itself."""
    last: dict[str, Known] = {}
    kept = list(rows)
    for row in kept:
        name = row.line.pseudonym
        if name and (name not in last or row.line.time >= last[name].line.time):
            last[name] = row
    chosen = [row for row in kept if not row.line.pseudonym or last[row.line.pseudonym] is row]
    if extra := len(kept) - len(chosen):
        left_out["an earlier row of the same subject"] += extra
    return chosen


def _rows(spec: ModelSpec, rows: Sequence[Known], columns_of: ColumnsOf) -> AnsweredRows:
    each = [
        AnsweredRow(
            outcome=row.outcome,
            answer=row.line.label,
            score=_score(spec, row.line),
            answered=datetime.fromisoformat(row.line.time),
            known=datetime.fromisoformat(row.first_known),
            caller=row.caller,
            version=row.line.version or 0,
        )
        for row in rows
    ]
    return AnsweredRows(_features(spec, [row.line for row in rows], columns_of), each)


def _features(spec: ModelSpec, lines: Sequence[Line], columns_of: ColumnsOf) -> pd.DataFrame:
    """Return (n, columns) cells, typed as those of a validated file are."""
    names = spec.columns.names
    cells = []
    for line in lines:
        found = dict(zip(columns_of(line) or (), line.row, strict=True))
        cells.append([found[name] for name in names])
    table = pd.DataFrame(cells, columns=names, dtype=object)
    return pd.DataFrame({name: _typed(table[name], kind) for name, kind in spec.columns.features.items()})


def _typed(cells: pd.Series[Any], kind: Any) -> pd.Series[Any]:
    if isinstance(kind, Numeric):
        return cells.astype("int64") if kind.integer and not kind.missing else cells.astype("float64")
    if isinstance(kind, Boolean):
        return cells.astype("float64" if kind.missing else "bool")
    return pd.Series([np.nan if cell is None else cell for cell in cells], dtype="str", name=cells.name)


def _score(spec: ModelSpec, line: Line) -> float:
    """Return the probability of the positive class, or of the answer where none is; of a regression, the answer itself."""
    target = spec.columns.target
    if isinstance(target, Quantity):
        return float(line.label)
    wanted: Any = target.positive if target.positive is not None else line.label
    fits = wanted in target.classes and len(line.probabilities) == len(target.classes)
    return float(line.probabilities[target.labels.index(wanted)]) if fits else np.nan
