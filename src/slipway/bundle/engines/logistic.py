"""From decisions to probabilities."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

STEEPEST = 700.0  # exp of more than 709 overflows; the probability is 0 long before


def probabilities(decisions: Matrix) -> Matrix:
    """Return (n, classes) probabilities of (n, decisions): the softmax, or the logistic function of a single decision."""
    return of_second(decisions[:, 0]) if decisions.shape[1] == 1 else _softmax(decisions)


def of_second(decisions: Matrix) -> Matrix:
    """Return (n, 2) probabilities of the (n,) decisions for the second class."""
    second = logistic(decisions)
    return np.column_stack([1.0 - second, second])


def logistic(decisions: Matrix) -> Matrix:
    """Return the logistic function of each decision."""
    shares: Matrix = 1.0 / (1.0 + np.exp(-np.clip(decisions, -STEEPEST, STEEPEST)))
    return shares


def _softmax(decisions: Matrix) -> Matrix:
    powers = np.exp(decisions - decisions.max(axis=1, keepdims=True))
    shares: Matrix = powers / powers.sum(axis=1, keepdims=True)
    return shares
