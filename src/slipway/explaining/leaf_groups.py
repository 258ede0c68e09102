"""Leaves whose ways ask about the same derived columns, and what they add to each column of the contract.

The columns that these derived columns are made of are joint: see `joint`. Every other column of a way is one bit of a pattern.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from slipway.explaining.bands import Cells, Sets
from slipway.explaining.joint import Joint, connected
from slipway.explaining.nodes import Floats, Whole
from slipway.explaining.pairs import Pairs
from slipway.explaining.paths import Conditions
from slipway.explaining.patterns import Bits, counted, words_of
from slipway.explaining.weights import table

Counts = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Leaves:
    """All leaves.

    Args:
        value: (leaves, outputs).
        asked: Which of the (leaves, columns) columns of the contract each asks about, apart from derived columns.
        derived: The conditions about derived columns.
        patterns: For each background row and word the (leaves,) columns in which it leaves the way.
        background: For each derived column the (rows,) cells of the background.
    """

    value: Floats
    asked: npt.NDArray[np.bool_]
    derived: Conditions
    patterns: Sequence[Sequence[Bits]]
    background: Mapping[int, Cells]


class Shares(NamedTuple):
    """What a group of leaves adds: the (outputs,) sum of those that the row reaches, and parts of the contributions.

    `joint` are (columns,) contributions. To these, each pattern of `risen` adds its weight for each of its columns, and each of `fallen`
    takes its weight from each.
    """

    sums: Floats
    joint: Floats
    risen: tuple[Floats, list[Bits]]
    fallen: tuple[Floats, list[Bits]]


class LeafGroup:
    """Some of all leaves, by their numbers.

    Args:
        made_of: For each derived column that they ask about, the places of the contract's columns that it is made of.
    """

    def __init__(self, leaves: Whole, made_of: Mapping[int, Sequence[int]], every: Leaves) -> None:
        ties = list(connected(made_of))
        self._places = [place for places, _ in ties for place in places]
        self._columns, self._rows = every.asked.shape[1], len(every.patterns)
        self._joint_bits = words_of(self._places, self._columns)
        by_row = [[word[leaves] for word in words] for words in every.patterns]
        self._pairs = Pairs.of([self._own(words) for words in by_row], self._columns)
        order = self._pairs.order
        self._leaves, by_row = leaves[order], [[word[order] for word in words] for words in by_row]
        self._value = np.ascontiguousarray(every.value[self._leaves].T)
        asked = np.flatnonzero(every.asked[leaves].any(axis=0))
        derived = every.derived.of_leaves(self._leaves)
        self._joints = [Joint.of(places, features, derived, every.background, by_row, asked) for places, features in ties]
        self._values: dict[bytes, Floats] = {}
        self.base = self._base()

    def _own(self, words: Sequence[Bits]) -> list[Bits]:
        """Return patterns without the joint columns."""
        return [word & ~bits for word, bits in zip(words, self._joint_bits, strict=True)]

    def _base(self) -> Floats:
        sets = self._pairs.without_columns()
        for joint in self._joints:
            sets &= joint.reached
        base: Floats = np.einsum("ol,l->o", self._value, np.bitwise_count(sets).astype(np.float64)) / self._rows
        return base

    def margin(self, words: Sequence[Bits], cells: Mapping[int, Cells]) -> Floats:
        """Return the (outputs,) sum of the values of the leaves that a row reaches; see `explained`."""
        broken = [word.take(self._leaves) for word in words]
        return self._sum(self._own(broken), [joint.opened(broken, cells) for joint in self._joints])

    def explained(self, words: Sequence[Bits], cells: Mapping[int, Cells], weights: Floats) -> Shares:
        """Return what these leaves add for one row, and for the sum of the outputs with weights.

        Args:
            words: For each word the (all leaves,) columns in which the row leaves the way.
            cells: For each derived column its (mixes, rows) cells; the mixes are of the columns that it is made of.
        """
        broken = [word.take(self._leaves) for word in words]
        own, opened = self._own(broken), [joint.opened(broken, cells) for joint in self._joints]
        pairs, leaf, rows = self._pairs.met(own, opened)
        counts = _counts(rows, [sets.take(leaf, axis=1) for sets in opened])
        ours, theirs = [bits.take(pairs) for bits in self._pairs.bits], [word.take(leaf) for word in own]
        value = self._value_of(weights).take(leaf)
        up, down, joint = self._weighed(counts, counted(ours) * (self._columns + 2) + counted(theirs), value)
        return Shares(self._sum(own, opened), joint, (up, ours), (down, theirs))

    def _value_of(self, weights: Floats) -> Floats:
        """Return the (leaves,) sums of the outputs with weights, for each row of the background. There are as many weights as classes."""
        key = weights.tobytes()
        if key not in self._values:
            self._values[key] = np.einsum("ol,o->l", self._value, weights) / self._rows
        return self._values[key]

    def _weighed(self, counts: Counts, place: Whole, value: Floats) -> tuple[Floats, Floats, Floats]:
        """Return what each pair adds to each of its columns, what it takes from each that the row breaks, and what the joint columns get.

        Args:
            counts: (mixes, pairs) numbers of rows.
            place: The place of each pair in the table of weights, if no joint column is the row's and none the background's.
        """
        joint, total, mixes = len(self._places), np.zeros(self._columns), np.arange(len(counts))
        up, down, shares = np.zeros_like(value), np.zeros_like(value), np.zeros(len(counts))
        weights = [table(self._columns).ravel()[given * (self._columns + 1) + joint + 1 :] for given in range(joint + 2)]
        own = weights[0].take(place) * value
        for given in range(joint + 1):
            chosen = np.flatnonzero(np.bitwise_count(mixes) == given)
            other, numbers = weights[given + 1].take(place) * value, counts[chosen].astype(np.float64)
            rows = numbers.sum(axis=0)
            up += own * rows
            down += other * rows
            own += other
            shares[chosen] = np.einsum("mp,p->m", numbers, own)
            own = other
        for bit, column in enumerate(self._places):
            total[column] = shares[mixes >> bit & 1 == 1].sum() - down.sum()
        return up, down, total

    def _sum(self, own: Sequence[Bits], opened: Sequence[Sets]) -> Floats:
        reached = np.flatnonzero(own[0] == 0)
        for kept in (*(word == 0 for word in own[1:]), *(sets[-1] != 0 for sets in opened)):
            reached = reached[kept[reached]]
        total: Floats = self._value[:, reached].sum(axis=1)
        return total


def _counts(rows: Sets, opened: Sequence[Sets]) -> Counts:
    """Return (mixes, pairs): how many of the rows of each pair each mix is open to. The joint columns of the first are the lowest bits."""
    if not opened:
        return np.bitwise_count(rows)[None]
    *first, last = opened
    sets = reduce(lambda found, then: [one & other for other in then for one in found], first, [rows])
    counts = np.empty((len(sets) * len(last), len(rows)), dtype=np.uint8)
    for count, (other, one) in zip(counts, product(last, sets), strict=True):
        np.bitwise_count(one & other, out=count)
    return counts
