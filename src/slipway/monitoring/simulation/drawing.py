"""Rows and outcomes with a chosen drift, drawn from the test rows of a version, to try out and measure the watch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.errors import SimulationError
from slipway.problems.serving import Answer
from slipway.spec import Date, Feature, ModelSpec, Numeric, Text
from slipway.spec.watch import as_categories
from slipway.training.splitting import Rows

DriftKind = Literal["none", "covariate", "label", "concept"]
KINDS: tuple[DriftKind, ...] = get_args(DriftKind)
USUAL: dict[DriftKind, float] = {"none": 0.0, "covariate": 1.0, "label": 0.3, "concept": 0.3}
LARGEST = 10.0  # standard deviations
FRESH = 0.1  # standard deviations


@dataclass(frozen=True, slots=True)
class Stream:
    """(n, columns) rows that keep the contract, in the order in which they are sent, and the outcome of each."""

    rows: pd.DataFrame
    outcomes: list[Answer]


def simulate(
    spec: ModelSpec,
    held_out: Rows,
    kind: DriftKind,
    count: int,
    *,
    size: float | None = None,
    seed: int = 0,
    fresh: bool = False,
    once: bool = False,
) -> Stream:
    """Draw test rows with replacement, with their true labels, and apply a drift.

    - none: rows and outcomes are unchanged.
    - covariate: every number grows by `size` standard deviations of the training rows, as far as the contract allows; a zero that
      means "not measured" stays zero. In columns of categories, codes and yes-or-no, a share of `size` / 2 of the rows, at most all,
      takes the value that is rarest in the training rows; in columns of texts, the shortest text. Dates stay. Outcomes are unchanged:
      the outcome of a moved row is not known.
    - label: the share of the positive class, or of the rarest of three or more, grows by `size`, or shrinks by it if it would exceed
      one; the rows of each class are unchanged. Of a regression, a share `size` of the rows is drawn from the quarter with the largest
      outcomes.
    - concept: the rows are unchanged, and a share `size` of the outcomes is of another class: those of the rows with the largest value
      in the first column of numbers, so that there is something to learn. Of a regression, every outcome is larger by `size` standard
      deviations.

    Args:
        held_out: The split rows; the training rows give the standard deviations and the shares of values.
        size: As above; the default is in `USUAL`.
        fresh: Whether measured numbers are moved by a tenth of a standard deviation, in both directions, so that no row is one of the
            data set's: rows that are the same as test rows are never learnt from.
        once: Whether each test row is drawn once at most; label drift draws with replacement all the same.
    Raises:
        SimulationError: The size is not possible for this drift.
    """
    size = USUAL[kind] if size is None else size
    _require_possible(kind, size)
    generator = np.random.default_rng(seed)
    truth = np.array(held_out.test_labels.tolist(), dtype=object)
    if kind == "label":
        at = spec.problem.places_of_label_drift(truth, size, count, generator)
    else:
        at = generator.permutation(len(truth))[:count] if once else generator.integers(len(truth), size=count)
    rows, outcomes = held_out.test.iloc[at].reset_index(drop=True), truth[at].tolist()
    if fresh:
        rows = _fresh(spec, rows, held_out.train, generator)
    if kind == "covariate":
        rows = pd.DataFrame(
            {name: _moved(feature, rows[name], held_out.train[name], size, generator) for name, feature in spec.columns.features.items()}
        )
    if kind == "concept":
        outcomes = spec.problem.outcomes_of_concept_drift(outcomes, size, _order(spec, rows, generator))
    return Stream(rows, outcomes)


def _require_possible(kind: DriftKind, size: float) -> None:
    if kind == "none" and size != 0:
        raise SimulationError(f"size={size:g}: rows that do not drift have no size; leave it out.")
    if kind == "covariate" and not 0 < size <= LARGEST:
        raise SimulationError(f"size={size:g}: expected standard deviations, above 0 and at most {LARGEST:g}.")
    if kind in ("label", "concept") and not 0 < size <= 1:
        raise SimulationError(f"size={size:g}: expected a share, above 0 and at most 1.")


def _measured(spec: ModelSpec) -> list[str]:
    """Return the columns of numbers that are no codes."""
    return [name for name, feature in spec.columns.numeric.items() if not as_categories(feature)]


def _order(spec: ModelSpec, rows: pd.DataFrame, generator: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return (n,) numbers that order the rows by the first column of numbers; by chance where it is equal, or if there is none."""
    chance = generator.permutation(len(rows))
    first = _measured(spec)[:1]
    cells = rows[first[0]].astype("float64").fillna(-np.inf).to_numpy() if first else np.zeros(len(rows))
    order = np.empty(len(rows))
    order[np.lexsort((chance, cells))] = np.arange(len(rows))
    return order


def _fresh(spec: ModelSpec, rows: pd.DataFrame, training: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    moved = {}
    for name in _measured(spec):
        by = pd.Series(generator.normal(0.0, FRESH * float(training[name].std(ddof=0)), size=len(rows)), index=rows.index)
        moved[name] = _shifted(spec.columns.numeric[name], rows[name], by)
    return rows.assign(**moved)


def _moved(
    feature: Feature, cells: pd.Series[Any], training: pd.Series[Any], size: float, generator: np.random.Generator
) -> pd.Series[Any]:
    if isinstance(feature, Date):
        return cells
    if isinstance(feature, Text):
        return cells.mask((generator.random(len(cells)) < size / 2) & cells.notna(), min(training.dropna(), key=len, default=""))
    if not isinstance(feature, Numeric) or as_categories(feature):
        counts = training.value_counts().sort_index()
        return cells.mask((generator.random(len(cells)) < size / 2) & cells.notna(), counts.idxmin())
    return _shifted(feature, cells, float(training.std(ddof=0)) * size)


def _shifted(feature: Numeric, cells: pd.Series[Any], by: float | pd.Series[float]) -> pd.Series[Any]:
    higher = (cells + by).clip(feature.low, feature.high)
    if feature.zero_is_missing:
        higher = higher.where(cells != 0, 0)
    if not feature.integer:
        return higher
    low, high = (None if feature.low is None else np.ceil(feature.low)), (None if feature.high is None else np.floor(feature.high))
    whole = higher.round().clip(low, high)
    return whole if feature.missing else whole.astype("int64")
