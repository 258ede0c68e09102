"""Functions of each row of numbers, and calibration, in scikit-learn's order of operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.composed.arrays import PartArrays
from slipway.bundle.engines.composed.parts import Isotonic, LinkName, Sigmoid, Temperature
from slipway.bundle.engines.logistic import logistic, of_second, probabilities

Matrix = npt.NDArray[np.float64]
Answers = Callable[[Matrix], Matrix]

EPSILON = 1e-12  # that scikit-learn adds to a probability before it takes the logarithm
ABOVE_ONE = 1 + 1e-5  # up to here, a calibrated probability counts as 1


def _exponential(numbers: Matrix) -> Matrix:
    with np.errstate(over="ignore"):
        powers: Matrix = np.exp(numbers)
    return powers


def _each(numbers: Matrix) -> Matrix:
    """Return the logistic function of each, divided by their sum: one class against all others."""
    shares = logistic(numbers)
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def _likelihood(numbers: Matrix) -> Matrix:
    """Return the probabilities of (n, classes) logarithms of likelihoods."""
    best = numbers.max(axis=1, keepdims=True)
    shares: Matrix = np.exp(numbers - (np.log(np.exp(numbers - best).sum(axis=1, keepdims=True)) + best))
    return shares


def _second_against_first(numbers: Matrix) -> Matrix:
    return numbers[:, 1:] - numbers[:, :1]


def _adaptive(numbers: Matrix) -> Matrix:
    """Return what AdaBoostClassifier makes of its decisions."""
    if numbers.shape[1] == 1:
        return probabilities(np.concatenate([-numbers, numbers], axis=1) / 2)
    return probabilities(numbers / (numbers.shape[1] - 1))


LINKS: Mapping[LinkName, Answers] = MappingProxyType(
    {
        "logistic": lambda numbers: of_second(numbers[:, 0]),
        "softmax": probabilities,
        "logistic each": _each,
        "exponential": _exponential,
        "likelihood": _likelihood,
        "second against first": _second_against_first,
        "adaptive": _adaptive,
        "share": lambda numbers: np.column_stack([1 - numbers[:, 0], numbers[:, 0]]),
    }
)


def sigmoid(part: Sigmoid, arrays: PartArrays) -> Answers:
    """Return Platt's calibration, one sigmoid an output."""
    slopes, offsets = arrays.of(part.at, "slopes"), arrays.of(part.at, "offsets")
    return lambda numbers: _normalised(logistic(-(slopes * numbers + offsets)), part.places, part.classes)


def isotonic(part: Isotonic, arrays: PartArrays) -> Answers:
    """Return isotonic calibration, one curve an output."""
    curves = [(arrays.of(part.at, f"x_{place}"), arrays.of(part.at, f"y_{place}")) for place in range(len(part.places))]

    def answers(numbers: Matrix) -> Matrix:
        # outside of its ends, numpy answers as at the ends
        each = [np.interp(column, x, y) for column, (x, y) in zip(numbers.T, curves, strict=True)]
        return _normalised(np.column_stack(each), part.places, part.classes)

    return answers


def temperature(part: Temperature) -> Answers:
    """Return calibration by one temperature for all classes."""

    def answers(numbers: Matrix) -> Matrix:
        if part.of_probabilities:
            numbers = np.log(numbers + EPSILON)
        elif numbers.shape[1] == 1:
            numbers = np.concatenate([-numbers, numbers], axis=1)
        return _at_most_one(probabilities(part.beta * numbers))

    return answers


def _normalised(each: Matrix, places: tuple[int, ...], classes: int) -> Matrix:
    """Return (n, classes) probabilities of calibrated outputs, like `sklearn.calibration._CalibratedClassifier`."""
    if classes == 2:
        return _at_most_one(np.column_stack([1.0 - each[:, 0], each[:, 0]]))
    every = np.zeros((len(each), classes))
    every[:, places] = each
    total = every.sum(axis=1, keepdims=True)
    return _at_most_one(np.divide(every, total, out=np.full_like(every, 1 / classes), where=total != 0))


def _at_most_one(shares: Matrix) -> Matrix:
    shares[(shares > 1.0) & (shares <= ABOVE_ONE)] = 1.0
    return shares
