"""Shapley's weights of a leaf that needs some columns of the row and some of the background.

A leaf is reached by a mix of a row and a background row if `a` columns come from the row and `c` others from the background. By Shapley's
formula it adds its value times (a - 1)! c! / (a + c)! to each of the a columns, and minus its value times a! (c - 1)! / (a + c)! to each
of the c columns (Lundberg et al. 2020, "From local explanations to global understanding with explainable AI for trees", Nature Machine
Intelligence 2, interventional TreeSHAP). The second is the first of a + 1 and c - 1, so one table has both.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.float64]


@lru_cache(maxsize=32)
def table(most: int) -> Table:
    """Return (a - 1)! c! / (a + c)! at [a, c + 1] for each a and c from 0 to `most`, and one a more; 0 where there is no such weight."""
    found = np.zeros((most + 2, most + 2))
    for a in range(1, most + 2):
        for c in range(most + 1):
            found[a, c + 1] = 1 / (a * comb(a + c, c))
    return found
