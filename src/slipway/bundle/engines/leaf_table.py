"""The leaf that a row reaches in each of many trees, without a walk.

For each tree, a set of bits says which of its leaves a cell leaves open, whatever the other cells are: a node that leads the cell to the
right closes all leaves on its left. The first leaf that all cells of a row leave open is the one that the row reaches. The idea is that
of QuickScorer (Lucchese et al., "QuickScorer: a fast algorithm to rank documents with additive ensembles of regression trees", SIGIR
2015), which looks at nodes; here the sets of each bin are made beforehand, so that a row is a look-up for each column.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.bins import Bins
from slipway.bundle.engines.tree_table import TreeTable

Sets = npt.NDArray[np.unsignedinteger]
Whole = npt.NDArray[np.intp]

LARGEST = 1 << 25  # bytes of all sets: 32 MB
BITS = 64
AT_ONCE = 1 << 18  # bytes of the sets of some rows: these stay in the processor's cache
FEWEST_ROWS, MOST_ROWS = 16, 256


class LeafTable:
    """Sets of leaves by bin and tree. `bins` must be those of `trees`."""

    def __init__(self, trees: TreeTable, bins: Bins) -> None:
        begin, count = leaf_places(trees)
        self._trees, words, kind = len(trees.first), *_words(trees)
        tree, inner = trees.tree, np.flatnonzero(~trees.leaf)
        closes = np.zeros((len(tree), words), dtype=kind)
        closes[inner] = _interval(begin[inner], count[trees.left[inner]], words, kind)
        sets = np.full((bins.count, self._trees, words), np.iinfo(kind).max, dtype=kind)
        for column in bins.columns:
            own = inner[trees.feature[inner] == column.feature]
            if column.categories:
                _close_others(sets[column.first : column.missing], own, trees, column.ends, ~closes)
            else:
                np.bitwise_and.at(sets, (column.first + column.ends.searchsorted(trees.threshold[own]) + 1, tree[own]), ~closes[own])
                numbers = sets[column.first : column.missing]
                np.bitwise_and.accumulate(numbers, axis=0, out=numbers)
            gone = own[~trees.missing_left[own]]
            np.bitwise_and.at(sets[column.missing], tree[gone], ~closes[gone])
        self._sets: Sets = sets.reshape(bins.count, self._trees * words)
        self._words = words

    def leaves(self, bins: Whole) -> Whole:
        """Return the (n, trees) places of the leaves in their trees, from the left, of rows whose (n, columns) bins these are."""
        if not bins.shape[1]:  # no tree asks
            return np.zeros((len(bins), self._trees), dtype=np.intp)
        most = int(np.clip(AT_ONCE // (self._sets.shape[1] * self._sets.itemsize), FEWEST_ROWS, MOST_ROWS))
        parts = [self._some(bins[start : start + most]) for start in range(0, len(bins), most)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _some(self, bins: Whole) -> Whole:
        if len(bins) == 1:
            left = np.bitwise_and.reduce(self._sets[bins[0]], axis=0)[None]
        else:
            left = self._sets.take(bins[:, 0], axis=0)
            own = np.empty_like(left)
            for place in range(1, bins.shape[1]):
                self._sets.take(bins[:, place], axis=0, out=own, mode="clip")  # without a mode, numpy would make a copy
                left &= own
        if self._words == 1:
            return _lowest(left)
        words = left.reshape(len(bins), self._trees, self._words)
        word = (words != 0).argmax(axis=2)
        found: Whole = word * BITS + _lowest(np.take_along_axis(words, word[:, :, None], axis=2)[:, :, 0])
        return found


def size(trees: TreeTable, bins: Bins) -> int:
    """Return the bytes of the sets of a table."""
    words, kind = _words(trees)
    return bins.count * len(trees.first) * words * np.dtype(kind).itemsize


def leaf_places(trees: TreeTable) -> tuple[Whole, Whole]:
    """Return for each node the place of its first leaf in its tree, from the left, and the number of its leaves."""
    levels, leaf = [trees.first], trees.leaf
    while len(inner := levels[-1][~leaf[levels[-1]]]):
        levels.append(np.concatenate([trees.left[inner], trees.right[inner]]))
    begin, count = np.zeros(len(leaf), dtype=np.intp), np.ones(len(leaf), dtype=np.intp)
    for level in reversed(levels):
        inner = level[~leaf[level]]
        count[inner] = count[trees.left[inner]] + count[trees.right[inner]]
    for level in levels:
        inner = level[~leaf[level]]
        begin[trees.left[inner]] = begin[inner]
        begin[trees.right[inner]] = begin[inner] + count[trees.left[inner]]
    return begin, count


def _words(trees: TreeTable) -> tuple[int, type[np.unsignedinteger]]:
    """Return how many words of which kind have a bit for each leaf of the largest tree."""
    most = int(np.bincount(trees.tree[trees.leaf]).max())
    kinds = [kind for kind in (np.uint8, np.uint16, np.uint32, np.uint64) if most <= np.iinfo(kind).bits]
    return (1, kinds[0]) if kinds else (-(-most // BITS), np.uint64)


def _interval(begin: Whole, count: Whole, words: int, kind: type[np.unsignedinteger]) -> Sets:
    """Return (nodes, words) sets of `count` leaves from `begin`."""
    starts = np.arange(words) * BITS
    low, high = (np.clip(ends[:, None] - starts, 0, BITS) for ends in (begin, begin + count))
    found: Sets = (_first_bits(high) & ~_first_bits(low)).astype(kind)
    return found


def _first_bits(count: Whole) -> npt.NDArray[np.uint64]:
    every = np.uint64(np.iinfo(np.uint64).max)
    return np.where(count == 0, np.uint64(0), every >> (BITS - np.maximum(count, 1)).astype(np.uint64))


def _close_others(sets: Sets, nodes: Whole, trees: TreeTable, categories: npt.NDArray[np.floating], keep: Sets) -> None:
    """Close, for each node, the leaves on its left for each category that is not of its set."""
    tree = trees.tree
    for node in nodes.tolist():
        others = np.ones(len(sets), dtype=np.bool_)
        others[categories.searchsorted(trees.set_of(node))] = False
        sets[others, tree[node]] &= keep[node]


def _lowest(sets: Sets) -> Whole:
    """Return the place of the lowest bit of each set."""
    places: Whole = np.bitwise_count((sets & -sets) - sets.dtype.type(1)).astype(np.intp)
    return places
