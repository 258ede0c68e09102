"""The composition that is being written: its arrays and graphs, and the part of each estimator inside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from slipway.bundle.compiling.ensembles import bin_graph
from slipway.bundle.engines.composed.arrays import graph_name
from slipway.bundle.engines.composed.parts import Chain, Decided, Part, TreeSums
from slipway.bundle.engines.ensemble import fits_table
from slipway.bundle.engines.files import ARRAYS, pack
from slipway.bundle.engines.tree_table import TreeTable
from slipway.errors import CannotCompileError

Method = Literal["predict_proba", "decision_function", "predict", "transform"]
Describe = Callable[[Any, Method, "Composition"], Part]
DescribeLabels = Callable[[Any, Sequence[float], "Composition"], Part]


@dataclass(frozen=True, slots=True)
class Family:
    """How to describe what the methods of an estimator return. A method that it does not know raises a CannotCompileError.

    `labels` describes what `predict` of a classifier returns, given the value to answer for each class: by its own rule. `is_step`: only
    `transform` is described.
    """

    describe: Describe
    labels: DescribeLabels
    is_step: bool = False


@dataclass(frozen=True, slots=True)
class Composition:
    """Parts are numbered in the order in which they store arrays."""

    families: Mapping[str, Family]
    _arrays: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    _graphs: dict[str, bytes] = field(default_factory=dict)
    _numbers: list[int] = field(default_factory=list)

    def part(self, estimator: Any, method: Method) -> Part:
        """Return the part that answers as a method of a fitted estimator does. `predict` is of a regressor; see `labels`.

        Raises:
            CannotCompileError: Something in it cannot be expressed; the message says what.
        """
        family = self._family(estimator)
        if family.is_step and method != "transform":  # such as RFE, which chooses columns, and also answers by them
            raise no_method(estimator, method)
        return family.describe(estimator, method, self)

    def labels(self, estimator: Any, values: Sequence[float]) -> Part:
        """Return the part that answers (n, 1) values, one for each class of a fitted classifier, where its `predict` answers the class.

        Raises:
            CannotCompileError: See `part`.
        """
        return self._family(estimator).labels(estimator, values, self)

    def store(self, **arrays: Any) -> int:
        """Store the arrays of a part and return its number."""
        at = len(self._numbers)
        self._numbers.append(at)
        for name, array in arrays.items():
            found = np.asarray(array)
            if found.dtype == np.object_:
                raise CannotCompileError(f"{name} is not an array of numbers, for example because it is sparse.")
            self._arrays[f"{at}.{name}"] = found
        return at

    def trees(self, table: TreeTable) -> Part:
        """Return a part of trees."""
        graph = not fits_table(table)
        at = self.store(**table.arrays())
        if graph:
            self._graphs[graph_name(at)] = bin_graph(table)
        return TreeSums(at, graph)

    def files(self) -> dict[str, bytes]:
        """Return the arrays and graphs that were stored, as files of a bundle."""
        return ({ARRAYS: pack(self._arrays)} if self._arrays else {}) | self._graphs

    def _family(self, estimator: Any) -> Family:
        for kind in type(estimator).__mro__:
            if kind.__name__ in self.families:
                return self.families[kind.__name__]
        raise CannotCompileError(f"{type(estimator).__name__} has no engine inside a composition")


def no_method(estimator: Any, method: Method) -> CannotCompileError:
    """Return the error that an estimator is asked for what no part expresses."""
    return CannotCompileError(f"{method} of {type(estimator).__name__} has no engine inside a composition")


def most_probable(estimator: Any, values: Sequence[float], composition: Composition) -> Part:
    """Describe the labels of a classifier that answers the most probable class, the first one at a tie."""
    return chained(composition.part(estimator, "predict_proba"), Decided(tuple(values), pairs=False))


def largest_decision(estimator: Any, values: Sequence[float], composition: Composition) -> Part:
    """Describe the labels of a classifier that answers the class of the largest decision, or the second if a single one is above 0."""
    return chained(composition.part(estimator, "decision_function"), Decided(tuple(values), pairs=False))


def no_labels(estimator: Any, values: Sequence[float], composition: Composition) -> Part:
    """Refuse to describe the labels of what is no classifier."""
    raise CannotCompileError(f"{type(estimator).__name__} answers no labels that an engine could follow")


def chained(*parts: Part) -> Part:
    """Return parts one after another, without chains in chains."""
    flat = tuple(each for part in parts for each in (part.parts if isinstance(part, Chain) else (part,)))
    return flat[0] if len(flat) == 1 else Chain(flat)
