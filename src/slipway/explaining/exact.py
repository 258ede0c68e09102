"""Exact explanations of models that are a sum: linear models, and trees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from slipway.bundle.contract import Contract, decode_bytes
from slipway.bundle.engines import logistic, tree_table
from slipway.bundle.engines.files import PREPARATION, unpack
from slipway.bundle.engines.preparation import FittedPreparation
from slipway.bundle.engines.tree_table import Link
from slipway.bundle.parity import TOLERANCE
from slipway.bundle.reading import Bundle
from slipway.errors import BundleError
from slipway.explaining import nodes
from slipway.explaining.ensembles import Ensemble
from slipway.explaining.explanation import Explanation, Scale, explained_class
from slipway.explaining.linear import Linear
from slipway.explaining.mixing import Background, Row
from slipway.explaining.nodes import Floats
from slipway.problems.serving import Answer, ClassLabel

ADDITIVE: tuple[Link, ...] = ("number", "logistic", "softmax", "exponential")


class Additive(Protocol):
    """A model that adds up (outputs,) numbers. `base` is their mean over the background.

    `explained` returns what `margin` does, and the (columns,) contributions to the sum of the outputs with weights.
    """

    base: Floats

    def margin(self, row: Row) -> Floats: ...

    def explained(self, row: Row, weights: Floats) -> tuple[Floats, Floats]: ...


@dataclass(frozen=True, slots=True)
class AdditiveModel:
    """A model, the scale that it adds up in, and the rows that it compares with."""

    additive: Additive
    scale: Scale
    background: Background


def additive(bundle: Bundle, background: Background) -> AdditiveModel | None:
    """Return the model of a bundle as a sum; None if its engine adds nothing up.

    A forest of very many leaves is compared with fewer rows of the background; see `Background.for_leaves`.

    Raises:
        BundleError: A file is missing or damaged.
        TooManyJointError: Its derived columns are made of too many columns.
    """
    contract, engine = bundle.contract, bundle.contract.engine
    if engine not in ("linear", "trees", "boosting", "ensemble", "histogram"):
        return None
    table = tree_table.of_bundle(bundle) if engine in ("ensemble", "histogram") else None
    if table and not (table.plain and table.link in ADDITIVE):
        return None
    exponential = table is not None and table.link == "exponential"
    if exponential and contract.quantity and contract.quantity.log:
        return None  # the sum is the logarithm of a logarithm
    preparation = decode_bytes(bundle.file(PREPARATION), FittedPreparation, bundle.folder / PREPARATION)
    scale = _scale(contract, exponential)
    if engine == "linear":
        weights, intercepts = unpack(bundle, ("weights", "intercepts"))
        return AdditiveModel(Linear(preparation, weights, intercepts, background), scale, background)
    trees = nodes.of_bundle(bundle)
    background = background.for_leaves(len(trees.value))
    return AdditiveModel(Ensemble(preparation, trees, background), scale, background)


def _scale(contract: Contract, exponential: bool) -> Scale:
    if contract.quantity:
        return "log(number)" if exponential else "log(1 + number)" if contract.quantity.log else "number"
    if contract.engine == "trees":
        return "probability"
    return "log-odds" if len(contract.classes) == 2 else "log-ratio"


class ExactExplainer:
    """Explains the answers of one version."""

    def __init__(self, model: AdditiveModel, contract: Contract) -> None:
        self._model, self._scale, self._background, self._contract = model.additive, model.scale, model.background, contract

    def prove(self, answers: Floats) -> None:
        """Compare the sums with the engine's answers to the rows of the model's background.

        Raises:
            BundleError: They differ.
        """
        sums = np.array([self._model.margin(row) for row in self._background.rows()])
        if self._scale in ("log-odds", "log-ratio"):
            sums = logistic.probabilities(sums)
        elif self._scale == "log(number)":
            sums = np.exp(sums)
        if not np.allclose(sums, answers, rtol=TOLERANCE, atol=TOLERANCE):
            contract = self._contract
            raise BundleError(
                f"{contract.model} version {contract.version}: the parts of the model do not add up to its answers, so these cannot be "
                "explained. Release the model again."
            )

    def explain(self, row: Row, label: Answer) -> Explanation:
        """Explain the answer to one row, of which it was `label`."""
        contract, (of, weights) = self._contract, self._weights(label)
        margin, contributions = self._model.explained(row, weights)
        return Explanation(
            scale=self._scale,
            of=of,
            unit=contract.quantity.unit if contract.quantity else "",
            base=float(self._model.base @ weights),
            margin=float(margin @ weights),
            contributions=tuple(contributions.tolist()),
            errors=None,
            background=len(self._background),
        )

    def _weights(self, label: Answer) -> tuple[ClassLabel | None, Floats]:
        """Return the class to explain, and what to multiply each output with, so that their sum is its margin."""
        contract = self._contract
        if contract.quantity:
            return None, np.ones(1)
        of = explained_class(contract, label)
        place, classes = contract.classes.index(of), len(contract.classes)
        match self._scale:
            case "log-odds":  # the one output is of the second class
                return of, np.array([1.0 if place else -1.0])
            case "log-ratio":
                return of, np.eye(classes)[place] - 1 / classes
        return of, np.eye(classes)[place]
