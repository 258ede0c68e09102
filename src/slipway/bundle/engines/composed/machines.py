"""Support vector machines of any kernel, in float64, and the probabilities that libsvm couples from pairs of classes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.composed.arrays import PartArrays
from slipway.bundle.engines.composed.parts import Machine
from slipway.bundle.engines.composed.products import product
from slipway.bundle.engines.logistic import logistic

Matrix = npt.NDArray[np.float64]
Answers = Callable[[Matrix], Matrix]

CELLS = 1 << 20  # of the kernel matrix at once, that is rows times support vectors: 8 MB
SMALLEST = 1e-7  # probability of a pair of classes
COUPLED, ROUNDS = 0.005, 100  # libsvm stops coupling here


def machine(part: Machine, arrays: PartArrays) -> Answers:
    """Return what turns (n, width) cells into (n, outputs) decisions, as libsvm's `svm_predict_values` does."""
    vectors, weights, intercepts = (arrays.of(part.at, name) for name in ("vectors", "weights", "intercepts"))
    kernel = _kernel(part, vectors)
    rows = max(1, CELLS // max(1, len(vectors)))

    def answers(matrix: Matrix) -> Matrix:
        parts = (product(kernel(matrix[start : start + rows]), weights) + intercepts for start in range(0, len(matrix), rows))
        return np.concatenate(list(parts))

    return answers


def _kernel(part: Machine, vectors: Matrix) -> Answers:
    match part.kernel:
        case "linear":
            return lambda cells: product(cells, vectors.T)
        case "poly":
            return lambda cells: (part.gamma * (product(cells, vectors.T)) + part.coef0) ** part.degree
        case "sigmoid":
            return lambda cells: np.tanh(part.gamma * (product(cells, vectors.T)) + part.coef0)
        case "rbf":
            return lambda cells: np.exp(-part.gamma * squared_distances(cells, vectors))


def squared_distances(cells: Matrix, others: Matrix) -> Matrix:
    """Return (n, m) squared distances, added up column after column: exact to the last bit where scikit-learn and libsvm do so."""
    total = np.zeros((len(cells), len(others)))
    for column, other in zip(cells.T, others.T, strict=True):
        apart = column[:, None] - other
        total += apart * apart
    return total


def coupled(decisions: Matrix, slopes: Matrix, offsets: Matrix, classes: int) -> Matrix:
    """Return (n, classes) probabilities of (n, pairs) decisions, as libsvm's `svm_predict_probability` does.

    Of Wu, Lin and Weng, "Probability estimates for multi-class classification by pairwise coupling", 2004: the second method. libsvm takes
    it for two classes too, and stops where its answer may still be a thousandth off the one pair's own.
    """
    first = np.clip(logistic(-(slopes * decisions + offsets)), SMALLEST, 1 - SMALLEST)
    pairs = np.zeros((len(decisions), classes, classes))
    for pair, (one, other) in enumerate(combinations(range(classes), 2)):
        pairs[:, one, other], pairs[:, other, one] = first[:, pair], 1 - first[:, pair]
    matrix = -pairs.transpose(0, 2, 1) * pairs
    every = np.arange(classes)
    matrix[:, every, every] = (pairs * pairs).sum(axis=1)
    return np.array([_settled(each) for each in matrix]).reshape(-1, classes)


def _settled(matrix: Matrix) -> Matrix:
    classes = len(matrix)
    shares = np.full(classes, 1 / classes)
    for _ in range(max(ROUNDS, classes)):
        product = matrix @ shares
        total = float(shares @ product)
        if np.abs(product - total).max() < COUPLED / classes:
            break
        for place in range(classes):
            change = (total - product[place]) / matrix[place, place]
            shares[place] += change
            total = (total + change * (change * matrix[place, place] + 2 * product[place])) / (1 + change) ** 2
            product = (product + change * matrix[place]) / (1 + change)
            shares /= 1 + change
    return shares
