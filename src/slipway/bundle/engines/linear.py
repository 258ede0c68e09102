"""Logistic and linear regression: one matrix product, or, for a few rows and two classes, one look-up for each cell and no matrix.

Categories of many values are looked up for any number of rows: the matrix would be nearly all zeros, and the product would add them up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import nan
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from slipway.bundle.contract import decode_bytes
from slipway.bundle.engines.files import PREPARATION, unpack
from slipway.bundle.engines.logistic import of_second, probabilities
from slipway.bundle.engines.preparation import Block, FittedPreparation, Preparer
from slipway.bundle.engines.steps import Above, Impute, Missing, NumberAt, OneHot, Rank, Scale, Step
from slipway.bundle.reading import Bundle

Matrix = npt.NDArray[np.float64]
Share = Callable[[Any], float]  # returns what one cell adds to the decision
Place = Callable[[Any], int]  # returns the place of a cell among the values of its column

FEW = 8  # rows; for more of them numpy is quicker
WIDE = 500  # columns of the matrix; with more of them it is mostly zeros, and slow to fill


class LinearEngine:
    """scikit-learn's LogisticRegression and linear models of a number over a described preparation, in float64.

    `weights` is (width, decisions) and `intercepts` (decisions,). For two classes there is one decision, and its logistic function is the
    probability of the second; for more classes there is one decision each, and their softmax. Of a number, the one decision is the answer.
    """

    def __init__(self, bundle: Bundle) -> None:
        preparation = decode_bytes(bundle.file(PREPARATION), FittedPreparation, bundle.folder / PREPARATION)
        weights, self._intercepts = unpack(bundle, ("weights", "intercepts"))
        self._number = bundle.contract.quantity is not None
        single = len(self._intercepts) == 1 and not self._number
        self._shares = _shares(preparation, weights[:, 0]) if single else None
        narrow, self._tables = _narrow_and_tables(preparation, weights)
        self._weights = weights if not self._tables else weights[narrow]
        blocks = [block for block in preparation.blocks if not (self._tables and _is_one_hot(block))]
        self._preparer = Preparer(FittedPreparation(tuple(blocks))) if blocks else None

    def probabilities(self, columns: Mapping[str, Sequence[Any]]) -> Matrix:
        """Return (n, classes) probabilities of n rows given by column, or (n, 1) numbers."""
        rows = len(next(iter(columns.values())))
        if self._shares and rows <= FEW:
            return of_second(self._cell_by_cell(columns, rows))
        decisions = self._of_numbers(columns, rows)
        for name, places, table in self._tables:
            decisions += table[[places(cell) for cell in columns[name]]]
        return decisions if self._number else probabilities(decisions)

    def _of_numbers(self, columns: Mapping[str, Sequence[Any]], rows: int) -> Matrix:
        """Return the (n, decisions) sums without the categories that are looked up."""
        if self._preparer is None:
            return np.tile(self._intercepts, (rows, 1))
        if self._number:
            # each row is added up by itself: a matrix product would round a row's number otherwise in another number of rows
            numbers: Matrix = (self._preparer.matrix(columns) * self._weights[:, 0]).sum(axis=1, keepdims=True) + self._intercepts
            return numbers
        decisions: Matrix = self._preparer.matrix(columns) @ self._weights + self._intercepts
        return decisions

    def _cell_by_cell(self, columns: Mapping[str, Sequence[Any]], rows: int) -> Matrix:
        decisions = [float(self._intercepts[0])] * rows
        for name, share in self._shares or ():
            for row, cell in enumerate(columns[name]):
                decisions[row] += share(cell)
        return np.array(decisions)


def _is_one_hot(block: Block) -> bool:
    return bool(block.steps) and isinstance(block.steps[0], OneHot)


def _narrow_and_tables(preparation: FittedPreparation, weights: Matrix) -> tuple[list[int], list[tuple[str, Place, Matrix]]]:
    """Return the other columns of the matrix; and of each category its name, the places of its values, and their weights.

    There are no tables if the matrix is narrow: then the product is quicker.
    """
    if len(weights) <= WIDE:
        return list(range(len(weights))), []
    narrow: list[int] = []
    tables: list[tuple[str, Place, Matrix]] = []
    start = 0
    for block in preparation.blocks:
        if not _is_one_hot(block):
            narrow += range(start, start + block.width)
            start += block.width
            continue
        step = cast(OneHot, block.steps[0])
        for name, values in zip(block.columns, step.values, strict=True):
            others = np.zeros((1, weights.shape[1]))  # of a cell that is none of the values
            tables.append((name, _place_of(step, values), np.concatenate([weights[start : start + len(values)], others])))
            start += len(values)
    return narrow, tables


def _place_of(step: OneHot, values: Sequence[Any]) -> Place:
    places, others = {value: place for place, value in enumerate(values)}, len(values)
    return (lambda cell: places.get(cell, others)) if step.others else places.__getitem__


def _shares(preparation: FittedPreparation, weights: Matrix) -> list[tuple[str, Share]] | None:
    """Return what each raw cell adds, column by column; None if a step takes several columns at once."""
    found, start = [], 0
    for block in preparation.blocks:
        if not all(isinstance(step, Scale | Impute | Above | Missing | OneHot | Rank | NumberAt) for step in block.steps):
            return None
        found += _of_block(block, weights[start : start + block.width].tolist())
        start += block.width
    return found


def _of_block(block: Block, weights: list[float]) -> list[tuple[str, Share]]:
    if block.steps and isinstance(block.steps[0], OneHot):
        found, start = [], 0
        for name, values in zip(block.columns, block.steps[0].values, strict=True):
            table = dict(zip(values, weights[start : start + len(values)], strict=True))
            found.append((name, _known(table) if block.steps[0].others else table.__getitem__))
            start += len(values)
        return found
    return [(name, _of_number(block.steps, place, weights[place])) for place, name in enumerate(block.columns)]


def _known(table: Mapping[Any, float]) -> Share:
    return lambda cell: table.get(cell, 0.0)


def _of_number(steps: Sequence[Step], place: int, weight: float) -> Share:
    """Return the share of a number: the arithmetic of each step, as in `preparation`, then the weight."""
    share: Share = lambda number: number * weight  # noqa: E731
    for step in reversed(steps):
        share = _before(step, place, share)
    return share


def _before(step: Step, place: int, then: Share) -> Share:
    match step:
        case Scale():
            mean, scale = step.mean[place], step.scale[place]
            return lambda number: then((number - mean) / scale)
        case Impute():
            missing, value = step.missing, step.values[place]
            if missing is None:
                return lambda number: then(value if _is_missing(number) else number)
            return lambda number: then(value if number == missing else number)
        case Missing():
            return lambda number: then(1.0 if _is_missing(number) else 0.0)
        case Rank():
            ranks = {text: float(rank) for rank, text in enumerate(step.values[place])}
            if step.others:
                return lambda text: then(ranks.get(text, nan))
            return lambda text: then(ranks[text])
        case NumberAt():
            numbers = step.numbers
            return lambda rank: then(nan if _is_missing(rank) else numbers[int(rank)])
        case Above():
            threshold = step.threshold
            return lambda number: then(1.0 if number > threshold else 0.0)
    raise TypeError(f"{step} takes several columns at once.")


def _is_missing(cell: Any) -> bool:
    return cell is None or cell != cell
