"""Exact contributions to the sum of trees: interventional TreeSHAP by column of the contract, for all leaves at once.

Of each leaf, the columns in which a row leaves its way are a pattern of bits; so are those of a background row. Together they say which
weights of `weights` are due. The background's patterns are found once for each version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slipway.bundle.engines.preparation import FittedPreparation, Preparer
from slipway.explaining.leaf_groups import Cells, LeafGroup
from slipway.explaining.mixing import Background, Row, refuse_many
from slipway.explaining.nodes import Floats, Trees, Whole
from slipway.explaining.paths import Conditions, conditions
from slipway.explaining.players import sources

Columns = Mapping[str, Sequence[Any]]


class Ensemble:
    """Trees over a preparation."""

    def __init__(self, preparation: FittedPreparation, trees: Trees, background: Background) -> None:
        self._preparer, self._kind, self._start, self._background = Preparer(preparation), trees.threshold.dtype, trees.start, background
        made_of = background.places(sources(preparation))
        matrix, every = self._matrix(background.columns), conditions(trees)
        self._groups = [
            LeafGroup(_of_leaves(every, leaves), trees.value[leaves], made_of, joint, matrix, len(background.names))
            for leaves, joint in _grouped(every, made_of, len(trees.value))
        ]
        self.base: Floats = self._start + sum(group.base for group in self._groups)

    def margin(self, row: Row) -> Floats:
        """Return the (outputs,) sums of one row."""
        cells = self._cells(row)
        margin: Floats = self._start + sum(group.margin(cells) for group in self._groups)
        return margin

    def explained(self, row: Row, weights: Floats) -> tuple[Floats, Floats]:
        """Return the (outputs,) sums of one row, and the (columns,) contributions to their sum with weights."""
        cells, margin, total = self._cells(row), self._start.copy(), np.zeros(len(self._background.names))
        mixes: dict[tuple[int, ...], Cells] = {}
        for group in self._groups:
            if group.joint not in mixes:
                mixed = self._matrix(self._background.mixed(row, group.joint))
                mixes[group.joint] = mixed.reshape(1 << len(group.joint), len(self._background), -1)
            sums, contributions = group.explained(cells, mixes[group.joint], weights)
            margin += sums
            total += contributions
        return margin, total

    def _cells(self, row: Row) -> Cells:
        cells: Cells = self._matrix({name: [row[name]] for name in self._background.names})[0]
        return cells

    def _matrix(self, columns: Columns) -> Cells:
        return self._preparer.matrix(columns).astype(self._kind)


def _of_leaves(every: Conditions, leaves: Whole) -> Conditions:
    """Return the conditions of some leaves, numbered from 0."""
    own = every.take(np.isin(every.leaf, leaves))
    return Conditions(np.searchsorted(leaves, own.leaf), own.feature, own.low, own.high, own.missing)


def _grouped(every: Conditions, made_of: Sequence[Sequence[int]], leaves: int) -> list[tuple[Whole, list[int]]]:
    """Return the leaves that ask about the same derived columns, and the columns of the contract that these are made of.

    Raises:
        TooManyJointError: There are too many mixes of these.
    """
    derived = np.array([len(places) > 1 for places in made_of])
    asked = every.take(derived[every.feature])
    features, place = np.unique(asked.feature, return_inverse=True)
    asks = np.zeros((leaves, len(features)), dtype=np.bool_)
    asks[asked.leaf, place] = True
    kinds, kind = np.unique(asks, axis=0, return_inverse=True)
    found = []
    for number, chosen in enumerate(kinds):
        joint = sorted({place for feature in features[chosen] for place in made_of[feature]})
        refuse_many(joint)
        found.append((np.flatnonzero(kind.ravel() == number), joint))
    return found
