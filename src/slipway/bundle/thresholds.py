"""Rows with one cell on a split threshold of a measured forest, or on a number next to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.compiling.compiled import FittedPipeline
from slipway.bundle.compiling.preparation import describe_preparation
from slipway.bundle.compiling.trees import not_above, trees_of
from slipway.bundle.contract import Column, Contract
from slipway.bundle.engines.preparation import Block, FittedPreparation, Preparer
from slipway.bundle.engines.steps import Diff, OneHot, Product, Rank, Scale, Since1970
from slipway.errors import CannotCompileError

TREES, ROWS_A_TREE = 60, 6
CELLS = 1 << 25  # of all rows that are looked at, prepared: 256 MB
LARGEST = float(np.finfo(np.float32).max)  # of a cell that is not infinity to a tree

Cells = npt.NDArray[np.object_]


def rows_on_thresholds(pipeline: Any, contract: Contract, cells: Cells, random: np.random.Generator) -> Cells:
    """Return real rows with one cell moved to a threshold that the row meets on its way through a tree.

    In a column of whole numbers it moves to the two numbers next to the threshold; cells stay in the column's range. A preparation
    that cannot be described, or a tree that takes only some of its columns, gives no rows: the raw cell cannot be computed.
    """
    try:
        preparation = describe_preparation(FittedPipeline(pipeline, None))
    except CannotCompileError:
        return cells[:0]
    preparer = Preparer(preparation)
    cells = cells[: max(1, CELLS // preparer.width)]
    columns = {column.name: [_present(row[index], column) for row in cells] for index, column in enumerate(contract.columns)}
    matrix = preparer.matrix(columns).astype(np.float32)
    places = {column.name: index for index, column in enumerate(contract.columns)}
    made = [cells[:0]]
    trees = [tree for tree in trees_of(pipeline.steps[-1][1]) if tree.n_features == matrix.shape[1]]
    for row, feature, threshold in _met(trees, matrix, random):
        name, values = _raw(preparation, feature, threshold, {name: column[row] for name, column in columns.items()})
        if name:
            allowed = _allowed(values, contract.columns[places[name]])
            moved = np.tile(cells[row], (len(allowed), 1))
            moved[:, places[name]] = allowed
            made.append(moved)
    return np.concatenate(made)


def _present(cell: Any, column: Column) -> Any:
    """Return None for a missing text, which is NaN in a frame."""
    return None if column.is_text and cell != cell else cell


def _met(trees: list[Any], matrix: npt.NDArray[np.float32], random: np.random.Generator) -> list[tuple[int, int, float]]:
    """Draw rows, and for each row a node on its path through one tree; return rows, features and thresholds."""
    met = []
    for tree in (trees[index] for index in random.choice(len(trees), size=min(TREES, len(trees)), replace=False)):
        rows = random.integers(len(matrix), size=ROWS_A_TREE)
        paths = tree.decision_path(matrix[rows])
        for row, start, end in zip(rows.tolist(), paths.indptr, paths.indptr[1:], strict=False):
            inner = [node for node in paths.indices[start:end] if tree.children_left[node] >= 0]
            if inner:
                node = random.choice(inner)
                met.append((row, int(tree.feature[node]), float(tree.threshold[node])))
    return met


def _raw(preparation: FittedPreparation, feature: int, threshold: float, row: dict[str, Any]) -> tuple[str, list[float]]:
    """Return the raw column behind a feature, and the raw numbers that put the feature on and around the threshold.

    For a category or a date the name is empty: their numbers are few, or whole, and never round.
    """
    ends = np.cumsum([block.width for block in preparation.blocks])
    block = preparation.blocks[which := int(np.searchsorted(ends, feature, side="right"))]
    if any(isinstance(step, OneHot | Rank | Since1970) for step in block.steps):
        return "", []
    below = float(not_above(np.array(threshold)))
    above = float(np.nextafter(np.float32(below), np.float32(np.inf)))
    # a cell halfway between two float32 numbers is rounded to one of them: this is the border of rounding
    around = [below, threshold, (below + above) / 2, above]
    name, values = _undone(block, feature - int(ends[which]) + block.width, around, row)
    return name, [near for value in values for near in (np.nextafter(value, -np.inf), value, np.nextafter(value, np.inf))]


def _undone(block: Block, feature: int, values: list[float], row: dict[str, Any]) -> tuple[str, list[float]]:
    """Undo a block's steps, the last one first. Impute and Above cannot be undone and are skipped."""
    for step in reversed(block.steps):
        match step:
            case Scale():
                values = [value * step.scale[feature] + step.mean[feature] for value in values]
            case Diff():
                values = [value + row[block.columns[feature]] for value in values]
                feature += 1
            case Product():  # of a numerator and the reciprocal of a denominator: the numerator moves
                values = [value * row[block.columns[-1]] for value in values]
            case _:
                pass
    return block.columns[feature], values


def _allowed(values: list[float], column: Column) -> list[float]:
    if column.kind == "boolean":
        return [0.0, 1.0]
    if column.kind == "integer":
        values = [whole for value in values for whole in (np.floor(value), np.ceil(value))]
    low = -LARGEST if column.low is None else column.low
    high = LARGEST if column.high is None else column.high
    return sorted({float(value) for value in values if low <= value <= high})
