"""Calibrated support vector machines of scikit-learn as the arrays that `slipway.bundle.engines.svm` evaluates."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.compiling.compiled import Compiled, FittedPipeline
from slipway.bundle.compiling.graph import compile_graph
from slipway.bundle.compiling.preparation import encode_preparation
from slipway.bundle.engines.files import ARRAYS, PREPARATION, pack
from slipway.spec import ModelSpec

Array = npt.NDArray[Any]


def compile_svm(spec: ModelSpec, fitted: FittedPipeline) -> Compiled:
    """Compile a CalibratedClassifierCV around one SVC with the rbf kernel; for any other, try an ONNX graph."""
    calibrated = fitted.estimator.calibrated_classifiers_
    if len(calibrated) > 1 or not _is_plain_rbf(calibrated[0]):
        return compile_graph(spec, fitted)
    files = {PREPARATION: encode_preparation(fitted), ARRAYS: pack(_arrays(calibrated[0]))}
    return Compiled("svm", files, fitted.threshold)


def _is_plain_rbf(calibrated: Any) -> bool:
    machine = calibrated.estimator
    return bool(
        type(machine).__name__ == "SVC"
        and machine.kernel == "rbf"
        and machine.decision_function_shape == "ovr"
        and calibrated.method == "sigmoid"
        and isinstance(machine.support_vectors_, np.ndarray)
    )


def _arrays(calibrated: Any) -> dict[str, Array]:
    machine = calibrated.estimator
    return {
        "vectors": machine.support_vectors_,
        "gamma": np.array(machine._gamma),  # the value of "scale" or "auto"; scikit-learn has no public name for it
        "weights": _weights(machine),
        "intercepts": machine.intercept_,
        "slopes": np.array([sigmoid.a_ for sigmoid in calibrated.calibrators]),
        "offsets": np.array([sigmoid.b_ for sigmoid in calibrated.calibrators]),
    }


def _weights(machine: Any) -> Array:
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
