"""Layers of neurons, in float64 and in scikit-learn's order of operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.composed.arrays import PartArrays
from slipway.bundle.engines.composed.parts import Activation, Dense
from slipway.bundle.engines.composed.products import product
from slipway.bundle.engines.logistic import logistic

Matrix = npt.NDArray[np.float64]
Answers = Callable[[Matrix], Matrix]

ROWS = 256  # at once: the layers between stay in the processor's cache, and memory is bounded


def dense(part: Dense, arrays: PartArrays) -> Answers:
    """Return what MLPClassifier and MLPRegressor compute: (n, outputs) numbers, after the last activation."""
    layers = [(arrays.of(part.at, f"weights_{layer}"), arrays.of(part.at, f"intercepts_{layer}")) for layer in range(part.layers)]
    after = [ACTIVATIONS[part.hidden]] * (part.layers - 1) + [ACTIVATIONS[part.last]]

    def some(numbers: Matrix) -> Matrix:
        for (weights, intercepts), activate in zip(layers, after, strict=True):
            numbers = activate(product(numbers, weights) + intercepts)
        return numbers

    return lambda matrix: np.concatenate([some(matrix[start : start + ROWS]) for start in range(0, len(matrix), ROWS)])


def _softmax(numbers: Matrix) -> Matrix:
    powers = np.exp(numbers - numbers.max(axis=1)[:, None])
    shares: Matrix = powers / powers.sum(axis=1)[:, None]
    return shares


def _exponential(numbers: Matrix) -> Matrix:
    powers: Matrix = np.exp(numbers)
    return powers


def _positive(numbers: Matrix) -> Matrix:
    return np.maximum(numbers, 0)


ACTIVATIONS: Mapping[Activation, Answers] = MappingProxyType(
    {
        "identity": lambda numbers: numbers,
        "exp": _exponential,
        "tanh": np.tanh,
        "logistic": logistic,
        "relu": _positive,
        "softmax": _softmax,
    }
)
