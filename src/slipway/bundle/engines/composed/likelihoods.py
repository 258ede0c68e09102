"""Logarithms of likelihoods: naive Bayes and discriminants that are not linear, in scikit-learn's order of operations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.composed.arrays import PartArrays
from slipway.bundle.engines.composed.parts import Categorical, Gaussian, Quadratic

Matrix = npt.NDArray[np.float64]
Answers = Callable[[Matrix], Matrix]


def gaussian(part: Gaussian, arrays: PartArrays) -> Answers:
    """Return (n, classes) numbers of GaussianNB."""
    means, variances, priors = (arrays.of(part.at, name) for name in ("means", "variances", "priors"))
    constants = [-0.5 * np.sum(np.log(2.0 * np.pi * variance)) for variance in variances]

    def answers(matrix: Matrix) -> Matrix:
        each = zip(means, variances, np.log(priors), constants, strict=True)
        return np.column_stack(
            [prior + (constant - 0.5 * np.sum((matrix - mean) ** 2 / variance, axis=1)) for mean, variance, prior, constant in each]
        )

    return answers


def quadratic(part: Quadratic, arrays: PartArrays) -> Answers:
    """Return (n, classes) numbers of QuadraticDiscriminantAnalysis."""
    means, constants, priors = (arrays.of(part.at, name) for name in ("means", "constants", "priors"))
    rotations = [arrays.of(part.at, f"rotation_{place}") for place in range(len(means))]

    def answers(matrix: Matrix) -> Matrix:
        norms = [np.sum(np.dot(matrix - mean, rotation) ** 2, axis=1) for mean, rotation in zip(means, rotations, strict=True)]
        numbers: Matrix = -0.5 * (np.column_stack(norms) + constants) + np.log(priors)
        return numbers

    return answers


def categorical(part: Categorical, arrays: PartArrays) -> Answers:
    """Return (n, classes) numbers of CategoricalNB.

    The answers raise an IndexError for a category that none of the training rows has, as scikit-learn's do.
    """
    tables, priors = [arrays.of(part.at, f"column_{place}") for place in range(part.columns)], arrays.of(part.at, "priors")

    def answers(matrix: Matrix) -> Matrix:
        total = np.zeros((len(matrix), len(priors)))
        for cells, table in zip(matrix.astype(np.intp).T, tables, strict=True):
            total += table[cells]
        total += priors
        return total

    return answers
