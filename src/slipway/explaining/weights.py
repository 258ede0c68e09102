"""Shapley's weights of a leaf that needs some columns of the row and some of the background.

A leaf is reached by a mix of a row and a background row if `a` columns come from the row and `c` others from the background. By Shapley's
formula it adds its value times (a - 1)! c! / (a + c)! to each of the a columns, and minus its value times a! (c - 1)! / (a + c)! to each
of the c columns (Lundberg et al. 2020, "From local explanations to global understanding with explainable AI for trees", Nature Machine
Intelligence 2, interventional TreeSHAP).
"""

from __future__ import annotations

from functools import lru_cache
from math import comb

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.float64]


@lru_cache(maxsize=32)
def tables(most: int) -> tuple[Table, Table]:
    """Return the two weights for each a and c from 0 to `most`; one that there are no columns for is 0."""
    own, other = np.zeros((2, most + 1, most + 1))
    for a in range(most + 1):
        for c in range(most + 1):
            if a:
                own[a, c] = 1 / (a * comb(a + c, c))  # (a - 1)! c! / (a + c)!
            if c:
                other[a, c] = 1 / (c * comb(a + c, a))
    return own, other
