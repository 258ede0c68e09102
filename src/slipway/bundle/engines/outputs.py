"""The outputs of an estimator or a graph as an engine returns them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def matrix_of(answers: Any) -> npt.NDArray[np.float64]:
    """Return answers in float64, a row for each row; predictions of a number may have no second dimension."""
    found = np.asarray(answers, dtype=np.float64)
    return found.reshape(-1, 1) if found.ndim == 1 else found
