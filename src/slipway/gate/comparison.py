"""Candidate and champion on the same rows: the candidate's test rows without those that the champion has learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from slipway.bundle.cells import columns_of
from slipway.bundle.contract import Column, Contract
from slipway.bundle.engine import open_engine
from slipway.bundle.reading import Bundle
from slipway.comparison import paired
from slipway.gate.slices import SliceDifference, differences
from slipway.problems.training import Evaluation, Flags
from slipway.records import Metrics, Paired
from slipway.rows.dates import is_date
from slipway.spec import ModelSpec
from slipway.training.seen_rows import Hashes, learnt, seen
from slipway.training.splitting import Rows

ENOUGH_ROWS = 50  # that remain after others are left out; with fewer, one row moves a share by more than two points


@dataclass(frozen=True, slots=True)
class StoredChampion:
    """The version in service as it is stored: its bundle, and the hashes of the rows it has learnt from, None if they were not kept."""

    bundle: Bundle
    learnt: Hashes | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The figures of candidate (`ours`) and champion (`theirs`) on the same rows, and their differences by slice.

    `left_out` counts the test rows that the champion has learnt from.
    """

    rows: int
    left_out: int
    ours: Metrics
    theirs: Metrics
    slices: list[SliceDifference] = field(default_factory=list)
    paired: Paired | None = None


@dataclass(frozen=True, slots=True)
class Champion:
    """The version in service. `metrics` are those of its own release. If there is no `comparison`, `not_compared` says why.

    `recent` is the comparison on the rows of the log that were set apart, None if those do not judge.
    """

    version: int
    metrics: Metrics
    sample: bool
    comparison: Comparison | None = None
    not_compared: str = "it did not answer these rows"
    recent: Comparison | None = None

    @property
    def figures(self) -> Metrics:
        """The figures to compare a candidate with: those on the same rows, if there are any."""
        return self.comparison.theirs if self.comparison else self.metrics


class _NotComparableError(Exception):
    """Why the two cannot be compared on the same rows."""


def compare(spec: ModelSpec, rows: Rows, data_sha256: str, ours: Evaluation, stored: StoredChampion) -> Champion:
    """Let the champion's own bundle answer the candidate's test rows.

    If both have the same data and the same split, all test rows count. Otherwise the rows that the champion has learnt from are left out.
    If too few remain, or if the champion's rows are not known, the figures of its own release are used instead.

    Args:
        data_sha256: The checksum of the candidate's data.
        ours: The candidate's answers to all test rows.
    """
    contract = stored.bundle.contract
    version, metrics = contract.version or 0, contract.metrics
    try:
        _require_answers(spec, contract, rows.test)
        mask = _fair(rows, data_sha256, stored)
        _require_enough(spec, rows, mask)
    except _NotComparableError as error:
        return Champion(version, metrics, contract.sample, not_compared=str(error))
    theirs = answer_test_rows(spec, rows, stored.bundle)
    return Champion(version, metrics, contract.sample, comparison_of(spec, rows.test, mask, ours, theirs))


def compare_recent(spec: ModelSpec, rows: Rows, bundle: Bundle, stored: StoredChampion) -> Comparison | str:
    """Let candidate and champion answer the rows of the log that were set apart, without those that one of the two has learnt from.

    Args:
        bundle: The candidate's.
    Returns:
        The comparison, or why there is none.
    """
    recent, names = rows.recent, [column.name for column in stored.bundle.contract.columns]
    if recent is None:
        return "no rows are set apart"
    try:
        _require_answers(spec, stored.bundle.contract, recent.features)
    except _NotComparableError as error:
        return f"the champion cannot answer them: {error}"
    if stored.learnt is None:
        return "the rows that the champion has learnt from are not known"
    mask = ~seen(recent.features[names], stored.learnt) & ~seen(recent.features[names], learnt(rows.train[names]))
    if (left := int(mask.sum())) < ENOUGH_ROWS:
        return f"{left:,} rows are set apart that neither of the two has learnt from, which are too few"
    if missing := spec.problem.missing(recent.labels[mask]):
        return f"the rows set apart have none of {missing}"
    ours, theirs = (answer(spec, recent.features, recent.labels.tolist(), one).counting(recent.weights) for one in (bundle, stored.bundle))
    return comparison_of(spec, recent.features, mask, ours, theirs)


def answer_test_rows(spec: ModelSpec, rows: Rows, bundle: Bundle) -> Evaluation:
    """Let a bundle answer the test rows, which count with their weights. They must have its columns and its classes."""
    return answer(spec, rows.test, rows.test_labels.tolist(), bundle).counting(rows.test_weights)


def answer(spec: ModelSpec, features: pd.DataFrame, truth: Sequence[Any], bundle: Bundle) -> Evaluation:
    """Let a bundle answer (n, columns) rows, each of which counts once."""
    contract = bundle.contract
    probabilities = open_engine(bundle).probabilities(columns_of(features, contract.columns))
    return spec.problem.of_engine(contract.output, probabilities, truth)


def comparison_of(spec: ModelSpec, features: pd.DataFrame, mask: Flags, ours: Evaluation, theirs: Evaluation) -> Comparison:
    """Compare two models by their answers to the same rows, of which those in the mask count."""
    ours, theirs = ours.only(mask), theirs.only(mask)
    return Comparison(
        rows=int(mask.sum()),
        left_out=int((~mask).sum()),
        ours=ours.figures(),
        theirs=theirs.figures(),
        slices=differences(spec, features[mask], ours, theirs),
        # row by row, each row counts once: rows in service, which continue this comparison, have no weight
        paired=paired.compare(spec.metric, champion=theirs.counting(None), challenger=ours.counting(None), seed=spec.split.seed),
    )


def _require_answers(spec: ModelSpec, contract: Contract, features: pd.DataFrame) -> None:
    if not spec.problem.comparable(contract.output):
        raise _NotComparableError("it has other classes")
    if strange := [column.name for column in contract.columns if not _takes(column, features)]:
        raise _NotComparableError(f"the rows do not fit its columns {', '.join(strange)}")


def _takes(column: Column, features: pd.DataFrame) -> bool:
    if column.name not in features:
        return False
    cells = features[column.name]
    if cells.isna().any() and not column.missing:
        return False
    if column.kind == "date":
        return not is_numeric_dtype(cells) and all(is_date(str(cell), column.time) for cell in cells.dropna().unique())
    if column.kind == "text":
        return not is_numeric_dtype(cells) and all(len(str(cell)) <= column.longest for cell in cells.dropna())
    if column.kind == "category":
        return column.other or set(cells.dropna()) <= set(column.values)
    return bool(is_numeric_dtype(cells))


def _fair(rows: Rows, data_sha256: str, stored: StoredChampion) -> Flags:
    """Return which of the n test rows are new to the champion, (n,)."""
    contract, known = stored.bundle.contract, stored.learnt
    names, same_data = [column.name for column in contract.columns], contract.data_sha256 == data_sha256
    if same_data and (known is None or np.array_equal(known, learnt(rows.train[names]))):
        return np.ones(len(rows.test), dtype=np.bool_)
    if known is None:
        raise _NotComparableError("the data have changed, and its training rows are not known")
    return ~seen(rows.test[names], known)


def _require_enough(spec: ModelSpec, rows: Rows, mask: Flags) -> None:
    left, total = int(mask.sum()), len(mask)
    if left == total:
        return
    counted = f"it has learnt from {total - left} of the {total} test rows, and the {left} others"
    if left < ENOUGH_ROWS:
        raise _NotComparableError(f"{counted} are too few")
    if missing := spec.problem.missing(rows.test_labels[mask]):
        raise _NotComparableError(f"{counted} have none of {missing}")
