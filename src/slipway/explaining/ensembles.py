"""Exact contributions to the sum of trees: interventional TreeSHAP by column of the contract, for all leaves at once.

Of each leaf, the columns in which a row leaves its way are a pattern of bits; so are those of a background row. Together they say which
weights of `weights` are due. The background's patterns are found once for each version. The sum is written with fewer terms first, of
which some are about whole regions of a tree: see `regions`. Each is called a leaf all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slipway.bundle.engines.preparation import FittedPreparation, Preparer
from slipway.explaining.bands import Cells
from slipway.explaining.leaf_groups import LeafGroup, Leaves
from slipway.explaining.mixing import Background, DerivedColumn, Row, refuse_many
from slipway.explaining.nodes import Floats, Trees, Whole
from slipway.explaining.paths import Conditions, conditions
from slipway.explaining.patterns import Bits, Patterns, total_by_column
from slipway.explaining.players import sources
from slipway.explaining.regions import expected_work, fewest

Columns = Mapping[str, Sequence[Any]]


class Ensemble:
    """Trees over a preparation."""

    def __init__(self, preparation: FittedPreparation, trees: Trees, background: Background) -> None:
        self._preparer, self._kind, self._background = Preparer(preparation), trees.threshold.dtype, background
        made_of = background.places(sources(preparation))
        matrix, width = self._matrix(background.columns), len(background.names)
        regions = fewest(trees, expected_work(trees, matrix, made_of, width))
        every, leaves = conditions(trees, regions.node), len(regions.node)
        self._start: Floats = trees.start + regions.start
        derived, place = np.array([len(places) > 1 for places in made_of]), np.array([places[0] for places in made_of])
        single, of_derived = every.take(~derived[every.feature]), every.take(derived[every.feature])
        asked = np.zeros((leaves, width), dtype=np.bool_)
        asked[single.leaf, place[single.feature]] = True
        self._patterns = Patterns.of(single, place, leaves, width)
        self._derived = {feature: DerivedColumn.of(preparation, feature, background) for feature in np.unique(of_derived.feature).tolist()}
        patterns, cells = [self._patterns.broken(cells) for cells in matrix], {at: matrix[:, at] for at in self._derived}
        all_leaves = Leaves(regions.value, asked, of_derived, patterns, cells)
        self._groups = [LeafGroup(numbers, own, all_leaves) for numbers, own in _grouped(of_derived, made_of, leaves)]
        self.base: Floats = self._start + sum(group.base for group in self._groups)

    def margin(self, row: Row) -> Floats:
        """Return the (outputs,) sums of one row."""
        broken, cells = self._broken(row), self._mixed(row)
        margin: Floats = self._start + sum(group.margin(broken, cells) for group in self._groups)
        return margin

    def explained(self, row: Row, weights: Floats) -> tuple[Floats, Floats]:
        """Return the (outputs,) sums of one row, and the (columns,) contributions to their sum with weights."""
        broken, cells = self._broken(row), self._mixed(row)
        parts = [group.explained(broken, cells, weights) for group in self._groups]
        total: Floats = np.sum([part.joint for part in parts], axis=0)
        for sign, own in ((1, [part.risen for part in parts]), (-1, [part.fallen for part in parts])):
            words = [np.concatenate(word) for word in zip(*(words for _, words in own), strict=True)]
            total += sign * total_by_column(np.concatenate([weights for weights, _ in own]), words, len(total))
        return self._start + np.sum([part.sums for part in parts], axis=0), total

    def _broken(self, row: Row) -> list[Bits]:
        return self._patterns.broken(self._matrix({name: [row[name]] for name in self._background.names})[0])

    def _mixed(self, row: Row) -> dict[int, Cells]:
        return {feature: derived.mixed(row).astype(self._kind) for feature, derived in self._derived.items()}

    def _matrix(self, columns: Columns) -> Cells:
        return self._preparer.matrix(columns).astype(self._kind)


def _grouped(asked: Conditions, made_of: Sequence[Sequence[int]], leaves: int) -> list[tuple[Whole, dict[int, Sequence[int]]]]:
    """Return the leaves that ask about the same derived columns, and the columns of the contract that each of these is made of.

    Raises:
        TooManyJointError: There are too many mixes of these.
    """
    features, place = np.unique(asked.feature, return_inverse=True)
    asks = np.zeros((leaves, len(features)), dtype=np.bool_)
    asks[asked.leaf, place] = True
    kinds, kind = np.unique(asks, axis=0, return_inverse=True)
    found = []
    for number, chosen in enumerate(kinds):
        own = {feature: made_of[feature] for feature in features[chosen].tolist()}
        refuse_many({place for places in own.values() for place in places})
        found.append((np.flatnonzero(kind.ravel() == number), own))
    return found
