"""Proof that a compiled model answers as the measured model does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from slipway.errors import ParityError
from slipway.problems.serving import Answer, differ

logger = logging.getLogger(__name__)

TOLERANCE = 1e-6  # of a probability; an ONNX graph computes in float32
SHOWN = 5

Probabilities = npt.NDArray[np.float64]


def prove(
    model: str,
    measured: Probabilities,
    measured_labels: Sequence[Answer],
    compiled: Probabilities,
    compiled_labels: Sequence[Answer],
    tolerance: float = TOLERANCE,
    differ: Callable[..., npt.NDArray[np.bool_]] = differ,
) -> float:
    """Return the largest difference between two (n, classes) arrays of probabilities, or of the ends of intervals, for the same n rows.

    Args:
        differ: Returns which rows differ; see `Output.differ`.
    Raises:
        ParityError: A label differs, or a probability differs by more than the tolerance; the message shows the first such rows.
    """
    if measured.shape != compiled.shape:
        raise ParityError(f"{model}: the compiled model gives {compiled.shape} probabilities, the measured one {measured.shape}.")
    difference = np.abs(measured - compiled).max(axis=1, initial=0.0)
    wrong = np.flatnonzero(differ(measured, measured_labels, compiled, compiled_labels, tolerance))
    if wrong.size:
        rows = "\n".join(
            f"  row {row}: measured {measured_labels[row]!r} {np.round(measured[row], 7).tolist()}, "
            f"compiled {compiled_labels[row]!r} {np.round(compiled[row], 7).tolist()}"
            for row in wrong[:SHOWN].tolist()
        )
        raise ParityError(
            f"{model}: the compiled model differs from the measured model on {wrong.size} of {len(difference)} rows "
            f"(tolerance {tolerance:g}):\n{rows}\nNothing was registered. Compile it for another engine."
        )
    logger.info("%s: compiled and measured agree on %d rows, to %.1e", model, len(difference), difference.max())
    return float(difference.max())
