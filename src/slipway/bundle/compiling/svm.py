"""Calibrated support vector machines of scikit-learn as the arrays that `slipway.bundle.engines.svm` evaluates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.compiling.compiled import Compiled, FittedPipeline
from slipway.bundle.compiling.composed.machines import weights_of_pairs
from slipway.bundle.compiling.composed.registry import compile_composed
from slipway.bundle.compiling.preparation import encode_preparation
from slipway.bundle.engines.files import ARRAYS, PREPARATION, pack
from slipway.spec import ModelSpec

Array = npt.NDArray[Any]


def compile_svm(spec: ModelSpec, fitted: FittedPipeline) -> Compiled:
    """Compile a CalibratedClassifierCV around one SVC with the rbf kernel; any other is a composition."""
    calibrated = fitted.estimator.calibrated_classifiers_
    if len(calibrated) > 1 or not _is_plain_rbf(calibrated[0]):
        return compile_composed(spec, fitted)
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
        "weights": weights_of_pairs(machine),
        "intercepts": machine.intercept_,
        "slopes": np.array([sigmoid.a_ for sigmoid in calibrated.calibrators]),
        "offsets": np.array([sigmoid.b_ for sigmoid in calibrated.calibrators]),
    }
