"""The conditions on the way to each leaf: one interval for each column of the matrix that the way asks about."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from slipway.explaining.nodes import Trees, Whole


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions of leaves, ordered by leaf. A cell of column `feature` keeps one if it is above `low` and at most `high`.

    `low` is NaN if there is no lower end. A missing cell keeps one if `missing`.
    """

    leaf: Whole
    feature: Whole
    low: npt.NDArray[np.floating]
    high: npt.NDArray[np.floating]
    missing: npt.NDArray[np.bool_]

    def take(self, chosen: npt.NDArray[np.bool_]) -> Conditions:
        """Return some of the conditions."""
        return Conditions(self.leaf[chosen], self.feature[chosen], self.low[chosen], self.high[chosen], self.missing[chosen])

    def of_leaves(self, leaves: Whole) -> Conditions:
        """Return the conditions of some leaves, numbered anew in their order."""
        number = np.full(max(self.leaf.max(initial=-1), leaves.max(initial=-1)) + 1, -1)
        number[leaves] = np.arange(len(leaves))
        own = self.take(number[self.leaf] >= 0)
        return replace(own, leaf=number[own.leaf])


def conditions(trees: Trees, node: Whole) -> Conditions:
    """Return the conditions of leaves or other nodes, numbered in their order. Several of one way about the same column become one."""
    parent = np.full(len(trees.left), -1)
    inner = np.flatnonzero(trees.left >= 0)
    parent[trees.left[inner]] = inner
    parent[trees.right[inner]] = inner
    leaf, steps = np.arange(len(node)), []
    while len(node):
        above = parent[node]
        leaf, node, above = leaf[above >= 0], node[above >= 0], above[above >= 0]
        steps.append((leaf, above, trees.left[above] == node))
        node = above
    leaf, split, left = (np.concatenate(parts) for parts in zip(*steps, strict=True))
    return _merged(trees, leaf, split, left)


def _merged(trees: Trees, leaf: Whole, split: Whole, left: npt.NDArray[np.bool_]) -> Conditions:
    kind = trees.threshold.dtype.type
    feature, threshold, missing = trees.feature[split], trees.threshold[split], trees.missing_left[split] == left
    low, high = np.where(left, kind(np.nan), threshold), np.where(left, threshold, kind(np.inf))
    if not len(leaf):
        return Conditions(leaf, feature, low, high, missing)
    order = np.lexsort((feature, leaf))
    leaf, feature = leaf[order], feature[order]
    begins = np.flatnonzero(np.append(True, (leaf[1:] != leaf[:-1]) | (feature[1:] != feature[:-1])))
    return Conditions(
        leaf=leaf[begins],
        feature=feature[begins],
        low=np.fmax.reduceat(low[order], begins),
        high=np.minimum.reduceat(high[order], begins),
        missing=np.logical_and.reduceat(missing[order], begins),
    )
