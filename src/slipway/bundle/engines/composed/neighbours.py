"""The nearest training rows, with the distances and the order of scikit-learn.

The distances are added up as there, so equal ones are equal here. Which of several rows at the distance of the last neighbour is taken
depends on the order in which scikit-learn meets them, and so does a label; where they would answer differently, that order is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.composed.arrays import PartArrays
from slipway.bundle.engines.composed.machines import squared_distances
from slipway.bundle.engines.composed.parts import Neighbours
from slipway.bundle.engines.composed.products import product

Matrix = npt.NDArray[np.float64]
Whole = npt.NDArray[np.intp]
Answers = Callable[[Matrix], Matrix]
Visit = Callable[[Matrix, Matrix, "NearestHeap"], None]

CELLS = 1 << 20  # distances at once, that is rows times training rows: 8 MB


def neighbours(part: Neighbours, arrays: PartArrays) -> Answers:
    """Return what turns (n, width) cells into (n, classes) shares, or (n, 1) numbers."""
    rows, known = arrays.of(part.at, "rows"), arrays.of(part.at, "answers")
    distances = _distances(part, rows)
    visit = KDTree(part, arrays).visit if part.tree else _visit_in_order
    most = max(1, CELLS // len(rows))

    def some(cells: Matrix) -> Matrix:
        apart = distances(cells)
        nearest, near = _nearest(apart, cells, known, part.count, visit)
        if part.metric == "euclidean":
            near = np.sqrt(near)
        weights = _weights(near) if part.weighted else None
        return _shares(known[nearest], weights, part.classes) if part.classes else _means(known[nearest], weights)

    return lambda matrix: np.concatenate([some(matrix[start : start + most]) for start in range(0, len(matrix), most)])


def _distances(part: Neighbours, rows: Matrix) -> Answers:
    """Return a function of (n, width) cells: the (n, m) distances, squared if they are euclidean."""
    if part.metric == "manhattan":
        return lambda cells: _city_blocks(cells, rows)
    if part.tree:
        return lambda cells: squared_distances(cells, rows)
    squares = _squares(rows)
    return lambda cells: np.maximum(_squares(cells)[:, None] + -2.0 * product(cells, rows.T) + squares, 0.0)


def _squares(cells: Matrix) -> Matrix:
    """Return the (n,) squared lengths of rows, row by row: BLAS rounds them as in scikit-learn, which uses no tree here, only so."""
    return np.array([np.dot(row, row) for row in cells])


def _city_blocks(cells: Matrix, rows: Matrix) -> Matrix:
    total = np.zeros((len(cells), len(rows)))
    for column, other in zip(cells.T, rows.T, strict=True):
        total += np.abs(column[:, None] - other)
    return total


def _nearest(apart: Matrix, cells: Matrix, known: Matrix, count: int, visit: Visit) -> tuple[Whole, Matrix]:
    """Return the (n, count) nearest training rows, the nearest one first, and their distances."""
    last = np.partition(apart, count - 1, axis=1)[:, count - 1 : count]
    inside = apart <= last
    tied = inside.sum(axis=1) > count
    nearest = np.zeros((len(apart), count), dtype=np.intp)
    nearest[~tied] = np.nonzero(inside[~tied])[1].reshape(-1, count)
    for row in np.flatnonzero(tied).tolist():
        nearest[row] = _among_tied(apart[row], float(last[row, 0]), cells[row], known, count, visit)
    near = np.take_along_axis(apart, nearest, axis=1)
    order = np.argsort(near, axis=1, kind="stable")
    return np.take_along_axis(nearest, order, axis=1), np.take_along_axis(near, order, axis=1)


def _among_tied(apart: Matrix, last: float, cell: Matrix, known: Matrix, count: int, visit: Visit) -> Whole:
    at_last = np.flatnonzero(apart == last)
    if len(np.unique(known[at_last])) == 1:  # any of them will do
        below = np.flatnonzero(apart < last)
        return np.concatenate([below, at_last[: count - len(below)]])
    heap = NearestHeap(count)
    visit(cell, apart, heap)
    return np.array(heap.rows, dtype=np.intp)


def _visit_in_order(_: Matrix, apart: Matrix, heap: NearestHeap) -> None:
    """Push all training rows, in their order; those that the heap would refuse are passed over at once."""
    at = 0
    while at < len(apart):
        nearer = apart[at:] < heap.largest
        step = int(nearer.argmax())
        if not nearer[step]:
            return
        heap.push(float(apart[at + step]), at + step)
        at += step + 1


class NearestHeap:
    """The nearest rows so far, as `sklearn.utils._heap.heap_push` keeps them: it decides which of the rows at one distance goes."""

    def __init__(self, count: int) -> None:
        self.values, self.rows = [np.inf] * count, [0] * count

    @property
    def largest(self) -> float:
        return self.values[0]

    def push(self, value: float, row: int) -> None:
        """Put a row in the place of the farthest one, if it is nearer."""
        values, rows, size, at = self.values, self.rows, len(self.values), 0
        if value >= values[0]:
            return
        while (child := 2 * at + 1) < size:
            if child + 1 < size and values[child] < values[child + 1]:
                child += 1
            if values[child] <= value:
                break
            values[at], rows[at] = values[child], rows[child]
            at = child
        values[at], rows[at] = value, row


class KDTree:
    """The order in which scikit-learn's k-d tree meets rows."""

    def __init__(self, part: Neighbours, arrays: PartArrays) -> None:
        self._order, self._nodes = arrays.of(part.at, "order"), arrays.of(part.at, "nodes")
        self._low, self._high = arrays.of(part.at, "bounds")
        self._power = 2 if part.metric == "euclidean" else 1

    def visit(self, cell: Matrix, apart: Matrix, heap: NearestHeap) -> None:
        """Push the rows of each leaf that may have a nearer one: first those of the half that the cell is nearer to."""
        for node in self._leaves(cell, heap):
            start, end, _ = self._nodes[node]
            for row in self._order[start:end].tolist():
                heap.push(float(apart[row]), row)

    def _leaves(self, cell: Matrix, heap: NearestHeap) -> Iterator[int]:
        waiting = [(0, self._least(0, cell))]
        while waiting:
            node, least = waiting.pop()
            if least > heap.largest:
                continue
            if self._nodes[node, 2]:
                yield node
                continue
            left, right = ((child, self._least(child, cell)) for child in (2 * node + 1, 2 * node + 2))
            waiting += [right, left] if left[1] <= right[1] else [left, right]

    def _least(self, node: int, cell: Matrix) -> float:
        """Return the least distance between a cell and a row of a node, squared if it is euclidean."""
        low, high = self._low[node] - cell, cell - self._high[node]
        outside = 0.5 * ((low + np.abs(low)) + (high + np.abs(high)))
        return float(sum((outside**self._power).tolist()))


def _weights(near: Matrix) -> Matrix:
    """Return 1 / distance; if some are at no distance, these count alone."""
    with np.errstate(divide="ignore"):
        weights = 1.0 / near
    there = np.isinf(weights)
    rows = there.any(axis=1)
    weights[rows] = there[rows]
    return weights


def _shares(places: Whole, weights: Matrix | None, classes: int) -> Matrix:
    every, total = np.arange(len(places)), np.zeros((len(places), classes))
    for neighbour in range(places.shape[1]):
        total[every, places[:, neighbour]] += 1.0 if weights is None else weights[:, neighbour]
    shares: Matrix = total / total.sum(axis=1, keepdims=True)
    return shares


def _means(numbers: Matrix, weights: Matrix | None) -> Matrix:
    if weights is None:
        means: Matrix = np.mean(numbers[:, :, None], axis=1)
        return means
    weighted: Matrix = (np.sum(numbers * weights, axis=1) / np.sum(weights, axis=1))[:, None]
    return weighted
