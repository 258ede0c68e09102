"""Pairs of a leaf and a pattern: the columns in which some rows of the background leave the way to the leaf."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slipway.explaining.bands import Sets, word_for
from slipway.explaining.nodes import Whole
from slipway.explaining.patterns import Bits

ROW = np.uint64(6)  # bits of the number of a row: at most 64 rows
SORTED = 58  # columns that leave room for these bits in a word


@dataclass(frozen=True, slots=True)
class Pairs:
    """The patterns of leaves, in `order` of their number of patterns: first each leaf's first pattern, then each one's second, and so on.

    So the leaves that have an n-th pattern are the first `lengths[n]`. Each pair has the `bits` of its pattern, one part for each word, and
    the set of `rows` that have it.
    """

    order: Whole
    lengths: tuple[int, ...]
    bits: tuple[Bits, ...]
    rows: Sets

    @classmethod
    def of(cls, patterns: Sequence[Sequence[Bits]], columns: int) -> Pairs:
        """Return the pairs of the patterns of each row, which have the (leaves,) bits of each word."""
        words = [np.stack(parts, axis=1) for parts in zip(*patterns, strict=True)]
        leaves, rows = words[0].shape
        number, word = np.arange(rows, dtype=np.uint64), word_for(rows)
        if columns > SORTED:  # to sort several words would cost more than it saves
            parts, sets = [word.ravel() for word in words], np.tile(np.uint64(1) << number, leaves)
            leaf, nth = np.divmod(np.arange(leaves * rows), rows)
        else:
            ordered = np.sort(words[0].astype(np.uint64) << ROW | number, axis=1)
            bits = ordered >> ROW
            first = np.diff(bits, axis=1, prepend=~bits[:, :1]) != 0
            sets = np.bitwise_or.reduceat((np.uint64(1) << (ordered & np.uint64(63))).ravel(), np.flatnonzero(first))
            parts, leaf, nth = [bits[first].astype(words[0].dtype)], np.nonzero(first)[0], (np.cumsum(first, axis=1) - 1)[first]
        order = np.argsort(-np.bincount(leaf, minlength=leaves), kind="stable")
        place = np.empty(leaves, dtype=np.intp)
        place[order] = np.arange(leaves)
        by_nth = np.lexsort((place[leaf], nth))
        return cls(order, tuple(np.bincount(nth).tolist()), tuple(part[by_nth] for part in parts), sets[by_nth].astype(word))

    def without_columns(self) -> Sets:
        """Return for each leaf the set of rows that leave the way in no column."""
        found = np.zeros(len(self.order), dtype=self.rows.dtype)
        none = np.flatnonzero(np.logical_and.reduce([bits == 0 for bits in self.bits]))
        found[self._leaves(none)] = self.rows[none]
        return found

    def met(self, own: Sequence[Bits], opened: Sequence[Sets]) -> tuple[Whole, Whole, Sets]:
        """Return the pairs of which no column is broken by `own` too and that some mix is open to, their leaves, and their rows.

        Args:
            own: For each word the columns that a row breaks, by leaf.
            opened: (mixes, leaves) sets of rows, for each of some independent mixes.
        """
        free = self._of_leaves(own[0]) & self.bits[0] == 0
        for word, bits in zip(own[1:], self.bits[1:], strict=True):
            free &= self._of_leaves(word) & bits == 0
        pairs = np.flatnonzero(free)
        leaf, rows = self._leaves(pairs), self.rows.take(pairs)
        if opened:  # after those are left out: a set of rows is longer than the bits of few columns
            open_to = np.bitwise_and.reduce([np.bitwise_or.reduce(sets) for sets in opened])
            kept = np.flatnonzero(open_to.take(leaf) & rows)
            pairs, leaf, rows = pairs.take(kept), leaf.take(kept), rows.take(kept)
        return pairs, leaf, rows

    def _of_leaves(self, word: Bits) -> Bits:
        """Return the word of each pair's leaf. To copy what is in order is much quicker than to look it up."""
        return np.concatenate([word[:length] for length in self.lengths])

    def _leaves(self, pairs: Whole) -> Whole:
        """Return the leaf of each of some pairs in order."""
        begins = np.cumsum([0, *self.lengths])
        at = pairs.searchsorted(begins)
        leaves: Whole = pairs - begins[:-1].repeat(at[1:] - at[:-1])
        return leaves
