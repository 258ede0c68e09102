"""Products of matrices, of one row as of many."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


def product(cells: Matrix, weights: Matrix) -> Matrix:
    """Return the (n, m) product of (n, width) cells and (width, m) weights; a row has the same answer alone and among others.

    numpy would multiply a single row, or a single column, by other functions of BLAS than a matrix, and these round otherwise.
    """
    if weights.shape[1] == 1:
        each: Matrix = (cells * weights[:, 0]).sum(axis=1, keepdims=True)
        return each
    found: Matrix = np.repeat(cells, 2, axis=0) @ weights if len(cells) == 1 else cells @ weights
    return found[: len(cells)]
