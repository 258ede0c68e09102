"""From the sums of boosted trees to answers, as the libraries compute them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.logistic import STEEPEST
from slipway.bundle.engines.tree_table import Link

Floats = npt.NDArray[np.floating]
Matrix = npt.NDArray[np.float64]


def answers(sums: Floats, link: Link) -> Matrix:
    """Return (n, classes) probabilities of (n, outputs) sums, or (n, 1) numbers. Every step keeps the precision of the sums."""
    match link:
        case "number":
            found = sums
        case "logistic":
            second = _logistic(sums[:, 0])
            found = np.column_stack([1 - second, second])
        case "logistic each":
            found = _logistic(sums)
        case "softmax":
            powers = _exponential(sums - sums.max(axis=1, keepdims=True))
            found = powers / powers.sum(axis=1, keepdims=True, dtype=np.float64).astype(powers.dtype)
        case "exponential":
            found = _exponential(sums)
        case "signed square":
            found = np.sign(sums) * sums * sums
    return found.astype(np.float64, copy=False)


def _logistic(sums: Floats) -> Floats:
    one = sums.dtype.type(1)
    shares: Floats = one / (one + _exponential(-np.clip(sums, -STEEPEST, STEEPEST)))
    return shares


def _exponential(sums: Floats) -> Floats:
    """Return the exponential, correctly rounded also in float32, as the C library's is there."""
    with np.errstate(over="ignore"):
        powers: Floats = np.exp(sums.astype(np.float64)).astype(sums.dtype)
    return powers
