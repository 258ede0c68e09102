"""Drift of the outcomes of a classifier, made on purpose: other shares of the classes, or other labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.errors import SimulationError
from slipway.problems.classification import ClassLabel
from slipway.problems.classification.target import Target


def places(target: Target, truth: npt.NDArray[Any], size: float, count: int, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw rows among which the positive class, or the rarest of several, has a share that differs by `size` from its own.

    The other rows keep their shares among themselves.

    Raises:
        SimulationError: No share is that much larger or smaller.
    """
    moved = target.positive if target.binary else min(target.labels, key=lambda label: int((truth == label).sum()))
    of_class = truth == moved
    share = float(of_class.mean())
    wanted = share + size if share + size <= 1 else share - size
    if not (0 < share < 1 and 0 <= wanted <= 1):
        raise SimulationError(
            f"size={size:g}: {share:.2f} of the rows are {moved!r}; a share cannot be {share + size:.2f} or {share - size:.2f}."
        )
    chosen = generator.random(count) < wanted
    return np.where(chosen, generator.choice(np.flatnonzero(of_class), size=count), generator.choice(np.flatnonzero(~of_class), size=count))


def relabelled(target: Target, outcomes: Sequence[ClassLabel], turned: npt.NDArray[np.bool_]) -> list[ClassLabel]:
    """Return the outcomes, those that are `turned` with the next label in the order of the classes; after the last comes the first."""
    labels = target.labels
    return [labels[(labels.index(outcome) + 1) % len(labels)] if turn else outcome for outcome, turn in zip(outcomes, turned, strict=True)]
