"""Drift of the outcomes of a regression, made on purpose: other numbers, or other outcomes of the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.problems.regression.target import Quantity


def places(truth: npt.NDArray[Any], size: float, count: int, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw rows, a share `size` of them only from the quarter with the largest outcomes; the others come from all rows."""
    outcomes = truth.astype(np.float64)
    largest = np.flatnonzero(outcomes >= np.quantile(outcomes, 0.75))
    chosen = generator.random(count) < size
    return np.where(chosen, generator.choice(largest, size=count), generator.integers(len(outcomes), size=count))


def shifted(target: Quantity, outcomes: Sequence[float], size: float) -> list[float]:
    """Return the outcomes, each larger by `size` of their standard deviations, as far as the target's range allows."""
    numbers = np.asarray(outcomes, dtype=np.float64)
    low, high = -np.inf if target.low is None else target.low, np.inf if target.high is None else target.high
    found: list[float] = np.clip(numbers + size * numbers.std(), low, high).tolist()
    return found
