"""Support vector machines of libsvm and networks of dense layers, as parts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from slipway.bundle.compiling.composed.composition import Composition, Method, chained, largest_decision, no_method
from slipway.bundle.engines.composed.parts import Decided, Dense, Kernel, Linked, Machine, OneVersusRest, Part, Platt
from slipway.errors import CannotCompileError

Array = npt.NDArray[Any]


def describe_machine(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe an SVC, a NuSVC, an SVR or a NuSVR."""
    _require_vectors(estimator)
    if not hasattr(estimator, "classes_"):
        if method != "predict":
            raise no_method(estimator, method)
        return _machine(estimator, np.atleast_2d(estimator.dual_coef_).T, estimator.intercept_, composition)
    classes = len(estimator.classes_)
    if method == "predict_proba":
        slopes, offsets = estimator._probA, estimator._probB
        return Platt(_pairs(estimator, composition), composition.store(slopes=slopes, offsets=offsets), classes)
    if method != "decision_function":
        raise no_method(estimator, method)
    if classes == 2:
        return _machine(estimator, weights_of_pairs(estimator), estimator.intercept_, composition)
    pairs = _pairs(estimator, composition)
    return OneVersusRest(pairs, classes) if estimator.decision_function_shape == "ovr" else pairs


def machine_labels(estimator: Any, values: Sequence[float], composition: Composition) -> Part:
    """Describe the labels of an SVC: those of libsvm, most pairs of classes, whatever its probabilities say."""
    if estimator.break_ties and len(estimator.classes_) > 2:
        return largest_decision(estimator, values, composition)
    _require_vectors(estimator)
    return chained(_pairs(estimator, composition), Decided(tuple(values), pairs=True))


def describe_perceptron(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe an MLPClassifier or an MLPRegressor."""
    layers = list(zip(estimator.coefs_, estimator.intercepts_, strict=True))
    arrays = {f"weights_{place}": weights for place, (weights, _) in enumerate(layers)}
    arrays |= {f"intercepts_{place}": intercepts for place, (_, intercepts) in enumerate(layers)}
    if any(array.dtype != np.float64 for array in arrays.values()):
        raise CannotCompileError("a network that learnt from float32 has no engine")
    part = Dense(composition.store(**arrays), len(layers), estimator.activation, estimator.out_activation_)
    if method == "predict" and not hasattr(estimator, "classes_"):
        return part
    if method != "predict_proba":
        raise no_method(estimator, method)
    return chained(part, Linked("share")) if estimator.n_outputs_ == 1 else part


def weights_of_pairs(machine: Any) -> Array:
    """Unpack libsvm's dual coefficients, (classes - 1, v), into one column for each pair of classes.

    See "The multi-class dual coefficients" in scikit-learn's guide: for the pair (i, j), a vector of class i has its coefficient
    in row j - 1, and one of class j in row i.
    """
    ends = np.cumsum(machine.n_support_)
    of_class = [slice(end - count, end) for end, count in zip(ends, machine.n_support_, strict=True)]
    pairs = list(combinations(range(len(ends)), 2))
    weights = np.zeros((len(machine.support_vectors_), len(pairs)))
    for column, (i, j) in enumerate(pairs):
        weights[of_class[i], column] = machine.dual_coef_[j - 1, of_class[i]]
        weights[of_class[j], column] = machine.dual_coef_[i, of_class[j]]
    return weights


def _require_vectors(machine: Any) -> None:
    if machine.kernel not in get_args(Kernel) or not isinstance(machine.support_vectors_, np.ndarray):
        raise CannotCompileError(f"a support vector machine with kernel={machine.kernel!r}, or of sparse rows, has no engine")


def _pairs(machine: Any, composition: Composition) -> Part:
    """Describe a decision for each pair of classes, positive for the first; scikit-learn turns that of two classes round."""
    turned = -1.0 if len(machine.classes_) == 2 else 1.0
    return _machine(machine, turned * weights_of_pairs(machine), turned * machine.intercept_, composition)


def _machine(machine: Any, weights: Any, intercepts: Any, composition: Composition) -> Part:
    at = composition.store(vectors=machine.support_vectors_, weights=weights, intercepts=intercepts)
    # the value of "scale" or "auto"; scikit-learn has no public name for it
    return Machine(at, machine.kernel, float(machine._gamma), float(machine.degree), float(machine.coef0))
