"""A composition that is ready to answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.contract import decode_bytes
from slipway.bundle.engines.composed import combining, likelihoods, linking
from slipway.bundle.engines.composed.arrays import COMPOSITION, PartArrays
from slipway.bundle.engines.composed.dense import dense
from slipway.bundle.engines.composed.machines import coupled, machine
from slipway.bundle.engines.composed.neighbours import neighbours
from slipway.bundle.engines.composed.parts import (
    Averaged,
    Beside,
    Categorical,
    Chain,
    Decided,
    Dense,
    Filled,
    FittedComposition,
    Gaussian,
    InTurn,
    Isotonic,
    Linked,
    Machine,
    Median,
    Neighbours,
    OneVersusRest,
    Part,
    Picked,
    Placed,
    Platt,
    Quadratic,
    Rescaled,
    Same,
    Sigmoid,
    Sums,
    Temperature,
    TreeSums,
    Voted,
    Within,
)
from slipway.bundle.engines.composed.products import product
from slipway.bundle.engines.ensemble import TreeEnsemble
from slipway.bundle.engines.preparation import Preparer
from slipway.bundle.engines.steps import Above
from slipway.bundle.engines.svm import one_versus_rest
from slipway.bundle.reading import Bundle

Matrix = npt.NDArray[np.float64]
Answers = Callable[[Matrix], Matrix]

ROWS = 4_096  # at once: parts have more numbers a row than the matrix


class ComposedEngine:
    """A composition over a described preparation."""

    def __init__(self, bundle: Bundle) -> None:
        self._preparer = Preparer.of(bundle)
        self._answers = opened(
            decode_bytes(bundle.file(COMPOSITION), FittedComposition, bundle.folder / COMPOSITION).part, PartArrays(bundle)
        )

    def probabilities(self, columns: Mapping[str, Sequence[Any]]) -> Matrix:
        """Return (n, classes) probabilities of n rows given by column, or (n, 1) numbers."""
        matrices = self._preparer.matrices(columns)
        return np.concatenate([self._answers(each[start : start + ROWS]) for each in matrices for start in range(0, len(each), ROWS)])


def opened(part: Part, arrays: PartArrays) -> Answers:
    """Return what turns an (n, width) matrix, n >= 1, into the part's (n, outputs) numbers.

    Raises:
        BundleError: An array or a graph of a part is missing or damaged.
    """
    match part:
        case Chain() | Beside() | InTurn() | Averaged() | Voted() | Median() | OneVersusRest() | Platt():
            return _combined(part, arrays)
        case Rescaled() | Within() | Filled() | Same() | Picked() | Placed() | Above():
            return _step(part, arrays)
        case Linked() | Decided() | Sigmoid() | Isotonic() | Temperature():
            return _of_numbers(part, arrays)
        case _:
            return _model(part, arrays)


def _combined(part: Any, arrays: PartArrays) -> Answers:
    match part:
        case Chain(parts):
            return combining.chain([opened(each, arrays) for each in parts])
        case Beside(parts):
            return combining.beside([opened(each, arrays) for each in parts])
        case InTurn(parts):
            return combining.in_turn([opened(each, arrays) for each in parts])
        case Averaged(parts):
            return combining.averaged([opened(each, arrays) for each in parts], part)
        case Voted(parts, at, classes):
            yes, no, divisor = (arrays.of(at, name) for name in ("yes", "no", "divisor"))
            return combining.voted([opened(each, arrays) for each in parts], yes, no, float(divisor), classes)
        case Median(inner, at):
            return combining.median(opened(inner, arrays), arrays.of(at, "weights"))
        case OneVersusRest(inner, classes):
            pairs = opened(inner, arrays)
            return lambda matrix: one_versus_rest(pairs(matrix), classes)
        case Platt(inner, at, classes):
            pairs, slopes, offsets = opened(inner, arrays), arrays.of(at, "slopes"), arrays.of(at, "offsets")
            return lambda matrix: coupled(pairs(matrix), slopes, offsets, classes)
    raise TypeError(f"{part} does not combine parts.")


def _step(part: Any, arrays: PartArrays) -> Answers:
    match part:
        case Rescaled(at):
            shift, divisor, factor, offset = (arrays.of(at, name) for name in ("shift", "divisor", "factor", "offset"))
            return lambda matrix: (matrix - shift) / divisor * factor + offset
        case Within(low, high):
            return lambda matrix: np.clip(matrix, low, high)
        case Filled(at):
            values = arrays.of(at, "values")
            return lambda matrix: np.where(np.isnan(matrix), values, matrix)
        case Same():
            return lambda matrix: matrix
        case Picked(columns):
            chosen = list(columns)
            return lambda matrix: np.ascontiguousarray(matrix[:, chosen])
        case Placed():
            return combining.placed(part)
        case Above(threshold):
            return lambda matrix: (matrix > threshold).astype(np.float64)
    raise TypeError(f"{part} is no step.")


def _of_numbers(part: Any, arrays: PartArrays) -> Answers:
    match part:
        case Linked(name):
            return linking.LINKS[name]
        case Decided():
            return combining.decided(part)
        case Sigmoid():
            return linking.sigmoid(part, arrays)
        case Isotonic():
            return linking.isotonic(part, arrays)
        case Temperature():
            return linking.temperature(part)
    raise TypeError(f"{part} takes no numbers.")


def _model(part: Any, arrays: PartArrays) -> Answers:
    match part:
        case Sums(at):
            weights, intercepts = arrays.of(at, "weights"), arrays.of(at, "intercepts")
            return lambda matrix: product(matrix, weights) + intercepts
        case TreeSums(at, graph):
            return TreeEnsemble(arrays.trees(at), arrays.walk(at) if graph else None).answers
        case Machine():
            return machine(part, arrays)
        case Dense():
            return dense(part, arrays)
        case Neighbours():
            return neighbours(part, arrays)
        case Gaussian():
            return likelihoods.gaussian(part, arrays)
        case Quadratic():
            return likelihoods.quadratic(part, arrays)
        case Categorical():
            return likelihoods.categorical(part, arrays)
    raise TypeError(f"{part} is no model.")
