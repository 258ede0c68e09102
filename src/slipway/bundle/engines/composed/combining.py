"""What several parts answer, as one answer; each adds up in the order in which scikit-learn does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.composed.parts import Averaged, Decided, Placed

Matrix = npt.NDArray[np.float64]
Answers = Callable[[Matrix], Matrix]


def chain(parts: Sequence[Answers]) -> Answers:
    """Return the parts one after another."""

    def answers(matrix: Matrix) -> Matrix:
        for part in parts:
            matrix = part(matrix)
        return matrix

    return answers


def beside(parts: Sequence[Answers]) -> Answers:
    """Return the parts' answers side by side."""
    return lambda matrix: np.concatenate([part(matrix) for part in parts], axis=1)


def in_turn(parts: Sequence[Answers]) -> Answers:
    """Return the mean of the parts, added up one after another."""

    def answers(matrix: Matrix) -> Matrix:
        total = parts[0](matrix).copy()
        for part in parts[1:]:
            total += part(matrix)
        return total / len(parts)

    return answers


def averaged(parts: Sequence[Answers], part: Averaged) -> Answers:
    """Return the weighted average of probabilities, or of numbers, whose array has its axes the other way round."""
    weights = list(part.weights) or None
    if not part.numbers:
        return lambda matrix: np.average([each(matrix) for each in parts], axis=0, weights=weights)
    return lambda matrix: np.average(np.asarray([each(matrix)[:, 0] for each in parts]).T, axis=1, weights=weights)[:, None]


def median(part: Answers, weights: Matrix) -> Answers:
    """Return the weighted median of a part's columns, like AdaBoostRegressor."""

    def answers(matrix: Matrix) -> Matrix:
        numbers = part(matrix)
        order = np.argsort(numbers, axis=1)
        reached = np.cumsum(weights[order], axis=1)
        middle = (reached >= 0.5 * reached[:, -1:]).argmax(axis=1)
        every = np.arange(len(numbers))
        medians: Matrix = numbers[every, order[every, middle]][:, None]
        return medians

    return answers


def voted(parts: Sequence[Answers], yes: Matrix, no: Matrix, divisor: float, classes: int) -> Answers:
    """Return the (n, classes) sums of votes, divided."""

    def answers(matrix: Matrix) -> Matrix:
        total = np.zeros((len(matrix), classes))
        for part, own, other in zip(parts, yes.tolist(), no.tolist(), strict=True):
            total += np.where(part(matrix) == np.arange(classes), own, other)
        return total / divisor

    return answers


def decided(part: Decided) -> Answers:
    """Return the (n, 1) values of classes."""
    values = np.array(part.values)
    if part.pairs:
        return lambda numbers: values[_most_pairs(numbers, len(values))][:, None]
    return lambda numbers: values[(numbers[:, 0] > 0).astype(np.intp) if numbers.shape[1] == 1 else numbers.argmax(axis=1)][:, None]


def _most_pairs(decisions: Matrix, classes: int) -> npt.NDArray[np.intp]:
    votes = np.zeros((len(decisions), classes), dtype=np.intp)
    for pair, (first, second) in enumerate(combinations(range(classes), 2)):
        won = decisions[:, pair] > 0
        votes[:, first] += won
        votes[:, second] += ~won
    most: npt.NDArray[np.intp] = votes.argmax(axis=1)
    return most


def placed(part: Placed) -> Answers:
    """Return columns in their places among columns of zeros."""

    def answers(numbers: Matrix) -> Matrix:
        every = np.zeros((len(numbers), part.width))
        every[:, list(part.columns)] = numbers
        return every

    return answers
