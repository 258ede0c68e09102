"""Rows and outcomes with a chosen drift, drawn from the test rows of a version, to try out and measure the watch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
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


@dataclass(frozen=True, slots=True)
class Stream:
    """(n, columns) rows that keep the contract, in the order in which they are sent, and the outcome of each."""

    rows: pd.DataFrame
    outcomes: list[Answer]


def simulate(spec: ModelSpec, held_out: Rows, kind: DriftKind, count: int, *, size: float | None = None, seed: int = 0) -> Stream:
    """Draw test rows with replacement, with their true labels, and apply a drift.

    - none: rows and outcomes are unchanged.
    - covariate: every number grows by `size` standard deviations of the training rows, as far as the contract allows; a zero that
      means "not measured" stays zero. In columns of categories, codes and yes-or-no, a share of `size` / 2 of the rows, at most all,
      takes the value that is rarest in the training rows; in columns of texts, the shortest text. Dates stay. Outcomes are unchanged:
      the outcome of a moved row is not known.
    - label: the share of the positive class, or of the rarest of three or more, grows by `size`, or shrinks by it if it would exceed
      one; the rows of each class are unchanged. Of a regression, a share `size` of the rows is drawn from the quarter with the largest
      outcomes.
    - concept: the rows are unchanged, and a share `size` of the outcomes is of another class; of a regression, every outcome is larger
      by `size` standard deviations.

    Args:
        held_out: The split rows; the training rows give the standard deviations and the shares of values.
        size: As above; the default is in `USUAL`.
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
        at = generator.integers(len(truth), size=count)
    rows, outcomes = held_out.test.iloc[at].reset_index(drop=True), truth[at].tolist()
    if kind == "covariate":
        rows = pd.DataFrame(
            {name: _moved(feature, rows[name], held_out.train[name], size, generator) for name, feature in spec.columns.features.items()}
        )
    if kind == "concept":
        outcomes = spec.problem.outcomes_of_concept_drift(outcomes, size, generator)
    return Stream(rows, outcomes)


def _require_possible(kind: DriftKind, size: float) -> None:
    if kind == "none" and size != 0:
        raise SimulationError(f"size={size:g}: rows that do not drift have no size; leave it out.")
    if kind == "covariate" and not 0 < size <= LARGEST:
        raise SimulationError(f"size={size:g}: expected standard deviations, above 0 and at most {LARGEST:g}.")
    if kind in ("label", "concept") and not 0 < size <= 1:
        raise SimulationError(f"size={size:g}: expected a share, above 0 and at most 1.")


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


def _shifted(feature: Numeric, cells: pd.Series[Any], by: float) -> pd.Series[Any]:
    higher = (cells + by).clip(feature.low, feature.high)
    if feature.zero_is_missing:
        higher = higher.where(cells != 0, 0)
    if not feature.integer:
        return higher
    low, high = (None if feature.low is None else np.ceil(feature.low)), (None if feature.high is None else np.floor(feature.high))
    whole = higher.round().clip(low, high)
    return whole if feature.missing else whole.astype("int64")
