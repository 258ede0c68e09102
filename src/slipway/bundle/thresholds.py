"""Rows with one cell on a split threshold of measured trees, or on a number next to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.compiling.compiled import FittedPipeline
from slipway.bundle.compiling.preparation import describe_preparation
from slipway.bundle.compiling.trees import not_above
from slipway.bundle.contract import Column, Contract
from slipway.bundle.engines.preparation import Block, FittedPreparation, Preparer
from slipway.bundle.engines.steps import Diff, OneHot, Product, Rank, Scale, Since1970
from slipway.bundle.splits import Splits
from slipway.errors import CannotCompileError

TREES, ROWS_A_TREE, RARE = 60, 6, 120
CELLS = 1 << 25  # of all rows that are looked at, prepared: 256 MB
LARGEST = float(np.finfo(np.float32).max)  # of a cell that is not infinity to a tree

Cells = npt.NDArray[np.object_]
Row = dict[str, Any]


def rows_on_thresholds(pipeline: Any, contract: Contract, cells: Cells, random: np.random.Generator) -> Cells:
    """Return real rows with one cell moved to a threshold that the row meets on its way through a tree.

    So that thresholds count that hardly any row meets, some rows are moved first, to a node that was drawn from all. In a column of whole
    numbers the cell moves to the two numbers next to the threshold; cells stay in the column's range. A preparation that cannot be
    described, or trees that take only some of its columns, give no rows: the raw cell cannot be computed.
    """
    try:
        preparation = describe_preparation(FittedPipeline(pipeline, None))
    except CannotCompileError:
        return cells[:0]
    preparer = Preparer(preparation)
    splits = Splits.of(pipeline.steps[-1][1], preparer.width)
    if splits is None:
        return cells[:0]
    kinds = {column.name: column for column in contract.columns}
    rows = [dict(zip(kinds, map(_present, row, contract.columns), strict=True)) for row in cells[: max(1, CELLS // preparer.width)]]
    made = [cells[:0]]
    for row, feature, threshold in [*_met(splits, preparer, rows, random), *_rare(splits, preparation, preparer, rows, kinds, random)]:
        name, values = _raw(preparation, feature, threshold, row)
        if name:
            allowed = _allowed(values, kinds[name])
            moved = np.tile(np.array([np.nan if row[own] is None else row[own] for own in kinds], dtype=np.object_), (len(allowed), 1))
            moved[:, list(kinds).index(name)] = allowed
            made.append(moved)
    return np.concatenate(made)


def _present(cell: Any, column: Column) -> Any:
    """Return None for a missing text, which is NaN in a frame."""
    return None if column.is_text and cell != cell else cell


def _matrix(preparer: Preparer, rows: list[Row]) -> npt.NDArray[np.float64]:
    return preparer.matrix({name: [row[name] for row in rows] for name in rows[0]})


def _met(splits: Splits, preparer: Preparer, rows: list[Row], random: np.random.Generator) -> list[tuple[Row, int, float]]:
    """Draw rows, and for each row a node on its path through one tree; return rows, features and thresholds."""
    met = []
    trees = random.choice(len(splits.first), size=min(TREES, len(splits.first)), replace=False).tolist()
    drawn = random.integers(len(rows), size=(len(trees), ROWS_A_TREE))
    matrix = _matrix(preparer, [rows[place] for place in drawn.ravel()])
    for tree, places, cells in zip(trees, drawn, matrix.reshape(*drawn.shape, -1), strict=True):
        for place, own in zip(places.tolist(), cells, strict=True):
            if inner := splits.path(tree, own):
                node = random.choice(inner)
                met.append((rows[place], int(splits.feature[node]), float(splits.threshold[node])))
    return met


def _rare(
    splits: Splits,
    preparation: FittedPreparation,
    preparer: Preparer,
    rows: list[Row],
    kinds: dict[str, Column],
    random: np.random.Generator,
) -> list[tuple[Row, int, float]]:
    """Draw nodes, and for each a row whose cells are moved until it meets the node; return as `_met` does."""
    met = []
    for node in random.choice(splits.inner, size=RARE).tolist() if len(splits.inner) else []:
        row = dict(rows[random.integers(len(rows))])
        for feature, low, high in splits.ranges(node):
            cell = _matrix(preparer, [row])[0, feature]
            if not low < cell <= high:
                name, values = _raw(preparation, feature, high if np.isfinite(high) else float(np.nextafter(np.float32(low), np.inf)), row)
                if allowed := _allowed(values[1:2], kinds[name]) if name else []:
                    row[name] = allowed[0]
        if node in splits.path(int(splits.tree[node]), _matrix(preparer, [row])[0]):
            met.append((row, int(splits.feature[node]), float(splits.threshold[node])))
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
