"""The same sum of trees with fewer terms.

A tree adds the value of the one leaf that a row reaches. It adds the same if every row gets one value first, and a row that reaches certain
nodes, leaves or not, gets the difference to another value besides. In a forest of pure leaves, most leaves have the value around them
already, and add nothing. Which nodes are least work is found from the leaves up, as Sankoff 1975, "Minimal mutation trees of sequences",
SIAM Journal on Applied Mathematics 28, finds the fewest changes of a tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slipway.explaining.bands import word_for
from slipway.explaining.nodes import Floats, Trees, Whole
from slipway.explaining.patterns import LARGEST

USUAL = 4  # values that the rows of a whole region can have: the most frequent of all leaves
LOOKED_AT = 16  # rows of the background whose ways show how much work a node is


@dataclass(frozen=True, slots=True)
class Regions:
    """The `node` that a row must reach for each term, its (terms, outputs) `value`, and the (outputs,) `start` that every row gets."""

    node: Whole
    value: Floats
    start: Floats


def fewest(trees: Trees, work: Floats) -> Regions:
    """Return the terms of all trees that are least work, which is given for each node and above 0."""
    leaves, levels = np.flatnonzero(trees.left < 0), list(_levels(trees))
    values, kind = np.unique(trees.value, axis=0, return_inverse=True)
    usual = np.argsort(-np.bincount(kind.ravel()), kind="stable")[:USUAL]
    cost = np.zeros((len(trees.left), len(usual)))
    cost[leaves] = (kind.reshape(-1, 1) != usual) * work[leaves, None]
    for nodes in reversed(levels):
        kept = cost[trees.left[nodes]] + cost[trees.right[nodes]]
        cost[nodes] = np.minimum(kept, work[nodes, None] + kept.min(axis=1, keepdims=True))
    around = cost.argmin(axis=1)  # of a root, what its rows get; below, it is found from the root down
    start = values[usual[around[_roots(trees)]]].sum(axis=0)
    found, differences = [], []
    for nodes in levels:
        kept = cost[trees.left[nodes]] + cost[trees.right[nodes]]
        before, best = around[nodes], kept.argmin(axis=1)
        each = np.arange(len(nodes))
        changed = work[nodes] + kept[each, best] < kept[each, before]
        after = np.where(changed, best, before)
        around[trees.left[nodes]] = around[trees.right[nodes]] = after
        found.append(nodes[changed])
        differences.append(values[usual[after[changed]]] - values[usual[before[changed]]])
    rest = kind.ravel() != usual[around[leaves]]
    found.append(leaves[rest])
    differences.append(trees.value[rest] - values[usual[around[leaves[rest]]]])
    if not any(map(len, found)):  # every row gets the same: one term that adds nothing
        return Regions(leaves[:1], np.zeros((1, trees.value.shape[1])), start)
    return Regions(np.concatenate(found), np.concatenate(differences), start)


def expected_work(trees: Trees, background: npt.NDArray[np.floating], made_of: Sequence[Sequence[int]], columns: int) -> Floats:
    """Return for each node about how many pairs of a row and a background row reach it by some mix, more if it asks about derived columns.

    Args:
        background: The (rows, width) matrix of the background, whose rows stand for all.
        made_of: For each column of the matrix the places of the contract's columns that it is made of.
        columns: How many columns the contract has.
    """
    matrix, word = background[:: -(-len(background) // LOOKED_AT)], word_for(columns)
    bits = [word(sum(1 << place for place in {place % LARGEST for place in places})) for places in made_of]
    single, joint = (
        np.array([bit if (len(made) > 1) == derived else word(0) for bit, made in zip(bits, made_of, strict=True)])
        for derived in (False, True)
    )
    broken, mixed = np.zeros((len(trees.left), len(matrix)), dtype=word), np.zeros(len(trees.left), dtype=word)
    for nodes in _levels(trees):
        feature = trees.feature[nodes]
        cells = matrix[:, feature].T
        left = (cells <= trees.threshold[nodes, None]) | (np.isnan(cells) & trees.missing_left[nodes, None])
        for child, taken in ((trees.left[nodes], left), (trees.right[nodes], ~left)):
            broken[child] = broken[nodes] | np.where(taken, word(0), single[feature, None])
            mixed[child] = mixed[nodes] | joint[feature]
    met = sum(np.count_nonzero(broken & broken[:, row, None] == 0, axis=1) for row in range(len(matrix)))
    work: Floats = (met + 1.0) * 2 ** (np.bitwise_count(mixed) / 2)  # a part of the mixes is looked at together
    return work


def _roots(trees: Trees) -> Whole:
    below = np.zeros(len(trees.left), dtype=np.bool_)
    inner = trees.left >= 0
    below[trees.left[inner]] = below[trees.right[inner]] = True
    return np.flatnonzero(~below)


def _levels(trees: Trees) -> Iterator[Whole]:
    """Yield the inner nodes of each level of all trees, from the roots down."""
    nodes = _roots(trees)
    while len(nodes := nodes[trees.left[nodes] >= 0]):
        yield nodes
        nodes = np.concatenate([trees.left[nodes], trees.right[nodes]])
