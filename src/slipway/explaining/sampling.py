"""Contributions to any engine's answers, from the answers to rows that are mixed of a row and the background.

With few columns every mix is answered, and the contributions are exact. With more, the columns are exchanged one after another in random
orders, each order forth and back (Strumbelj and Kononenko 2014, "Explaining prediction models and individual predictions with feature
contributions", Knowledge and Information Systems 41). Each background row has the same number of orders, so that the contributions add up;
what differs between the orders of one background row is the standard error.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from slipway.bundle.contract import Contract
from slipway.bundle.engine import Engine
from slipway.explaining import shapley
from slipway.explaining.explanation import Explanation, explained_class
from slipway.explaining.mixing import Background, Row
from slipway.explaining.nodes import Floats, Whole
from slipway.problems.serving import Answer

MIXES = 4_096  # that an engine answers for one row
FEWEST_PAIRS = 2  # of orders for each background row; with fewer there is no standard error


class SamplingExplainer:
    """Explains the answers of any engine: the probability of a class, or what a regression's engine returns."""

    def __init__(self, engine: Engine, background: Background, contract: Contract) -> None:
        self._engine, self._background, self._contract = engine, background, contract
        self._bases = engine.probabilities(background.columns)

    def explain(self, row: Row, label: Answer) -> Explanation:
        """Explain the answer to one row, of which it was `label`. The same row always gets the same explanation."""
        quantity = self._contract.quantity
        of = None if quantity else explained_class(self._contract, label)
        output = 0 if of is None else self._contract.classes.index(of)
        every_mix = len(self._background) << len(self._background.names) <= MIXES
        margin, contributions, errors = self._of_every_mix(row, output) if every_mix else self._sampled(row, output)
        return Explanation(
            scale="probability" if quantity is None else "log(1 + number)" if quantity.log else "number",
            of=of,
            unit=quantity.unit if quantity else "",
            base=float(self._bases[:, output].mean()),
            margin=margin,
            contributions=tuple(contributions.tolist()),
            errors=None if errors is None else tuple(errors.tolist()),
            background=len(self._background),
        )

    def _of_every_mix(self, row: Row, output: int) -> tuple[float, Floats, None]:
        columns, rows = len(self._background.names), len(self._background)
        answers = self._engine.probabilities(self._background.mixed(row, range(columns)))[:, output]
        game = answers.reshape(1 << columns, rows).mean(axis=1)
        game[0], game[-1] = self._bases[:, output].mean(), self._own(row, output)  # a graph rounds otherwise among other rows
        return float(game[-1]), shapley.values(game), None

    def _sampled(self, row: Row, output: int) -> tuple[float, Floats, Floats]:
        columns, rows = len(self._background.names), len(self._background)
        pairs = max(FEWEST_PAIRS, MIXES // (rows * 2 * columns))
        own = self._own(row, output)
        ranks = self._ranks(row, rows * pairs, columns)
        found = self._exchanged(row, np.concatenate([ranks, columns - 1 - ranks]), pairs, own, output)
        each = found.reshape(2, rows, pairs, columns).mean(axis=0)
        errors: Floats = np.sqrt(each.var(axis=1, ddof=1).sum(axis=0) / pairs) / rows
        return own, each.mean(axis=(0, 1)), errors

    def _own(self, row: Row, output: int) -> float:
        return float(self._engine.probabilities({name: [row[name]] for name in self._background.names})[0, output])

    def _ranks(self, row: Row, orders: int, columns: int) -> Whole:
        """Return (orders, columns): the place of each column in each order."""
        content = msgspec.json.encode([self._contract.run_id, [row[name] for name in self._background.names]])
        random = np.random.default_rng(int.from_bytes(blake2b(content, digest_size=16).digest()))
        return random.permuted(np.tile(np.arange(columns), (orders, 1)), axis=1)

    def _exchanged(self, row: Row, ranks: Whole, pairs: int, own: float, output: int) -> Floats:
        """Return (orders, columns): how the answer changes as each column is exchanged for the row's, in the order of its rank."""
        orders, columns = ranks.shape
        rows = len(self._background)
        begins = np.tile(np.repeat(np.arange(rows), pairs), 2)
        steps = np.arange(1, columns)
        exchanged = (ranks[:, None, :] < steps[None, :, None]).reshape(-1, columns)
        cells = self._cells(row, exchanged, np.repeat(begins, columns - 1))
        answers = np.empty((orders, columns + 1))
        answers[:, 0], answers[:, -1] = self._bases[begins, output], own
        answers[:, 1:-1] = self._engine.probabilities(cells)[:, output].reshape(orders, columns - 1)
        changes: Floats = np.take_along_axis(np.diff(answers, axis=1), ranks, axis=1)
        return changes

    def _cells(self, row: Row, exchanged: npt.NDArray[np.bool_], begins: Whole) -> dict[str, list[Any]]:
        found = {}
        for place, name in enumerate(self._background.names):
            theirs = np.array([*self._background.columns[name], row[name]], dtype=object)
            found[name] = theirs[np.where(exchanged[:, place], len(theirs) - 1, begins)].tolist()
        return found
