"""Exact contributions to a linear model: the weight times the distance from the background's mean, added up by column of the contract.

A derived cell is made of several columns. What it adds is divided between them by Shapley's formula, over all mixes of these columns.
"""

from __future__ import annotations

import numpy as np

from slipway.bundle.engines.preparation import FittedPreparation, Preparer
from slipway.explaining import shapley
from slipway.explaining.mixing import Background, Row, refuse_many
from slipway.explaining.nodes import Floats
from slipway.explaining.players import sources


class Linear:
    """`weights` (width, outputs) and `intercepts` (outputs,) over a preparation.

    Raises:
        TooManyJointError: A derived column is made of too many columns.
    """

    def __init__(self, preparation: FittedPreparation, weights: Floats, intercepts: Floats, background: Background) -> None:
        self._preparer, self._weights, self._intercepts, self._background = Preparer(preparation), weights, intercepts, background
        made_of = background.places(sources(preparation))
        self._mean = self._preparer.matrix(background.columns).mean(axis=0)
        self._single = np.array([places[0] if len(places) == 1 else -1 for places in made_of])
        self._joint = {
            places: [feature for feature, one in enumerate(made_of) if one == places] for places in set(made_of) if len(places) > 1
        }
        for places in self._joint:
            refuse_many(places)
        self.base: Floats = self._mean @ weights + intercepts

    def margin(self, row: Row) -> Floats:
        """Return the (outputs,) decisions of one row."""
        margin: Floats = self._cells(row) @ self._weights + self._intercepts
        return margin

    def explained(self, row: Row, weights: Floats) -> tuple[Floats, Floats]:
        """Return the (outputs,) decisions of one row, and the (columns,) contributions to their sum with weights."""
        of_cells, single = self._weights @ weights, self._single >= 0
        added = (self._cells(row) - self._mean) * of_cells
        total = np.zeros(len(self._background.names))
        np.add.at(total, self._single[single], added[single])
        for places, features in self._joint.items():
            game = self._preparer.matrix(self._background.mixed(row, places))[:, features] @ of_cells[features]
            total[list(places)] += shapley.values(game.reshape(1 << len(places), -1).mean(axis=1))
        return self.margin(row), total

    def _cells(self, row: Row) -> Floats:
        cells: Floats = self._preparer.matrix({name: [row[name]] for name in self._background.names})[0]
        return cells
