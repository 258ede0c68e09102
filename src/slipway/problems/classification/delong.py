"""The areas of two models under the receiver operating characteristic on the same rows, and the error of their difference."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Areas:
    """Both areas, and the standard error of their difference."""

    champion: float
    challenger: float
    error: float

    @property
    def difference(self) -> float:
        """The challenger's area less the champion's."""
        return self.challenger - self.champion


def areas(hits: npt.NDArray[np.bool_], champion: Array, challenger: Array) -> Areas | None:
    """Compare areas by DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988), in time n log n as Sun and Xu (IEEE SPL 21, 2014).

    Args:
        hits: (n,) whether a row is of the positive class.
        champion, challenger: (n,) their probabilities of the positive class.
    Returns:
        None if a class has fewer than two rows.
    """
    yes, no = int(hits.sum()), int((~hits).sum())
    if min(yes, no) < 2:
        return None
    parts = [_placements(hits, scores) for scores in (champion, challenger)]
    first, second = (float(above.mean()) for above, _ in parts)
    of_yes, of_no = (parts[1][side] - parts[0][side] for side in (0, 1))
    return Areas(first, second, math.sqrt(float(of_yes.var(ddof=1)) / yes + float(of_no.var(ddof=1)) / no))


def _placements(hits: npt.NDArray[np.bool_], scores: Array) -> tuple[Array, Array]:
    """Return for each hit the share of misses with a lower score, and for each miss the share of hits with a higher; ties count half."""
    yes, no = scores[hits], scores[~hits]
    ranks = rankdata(scores)
    above = (ranks[hits] - rankdata(yes)) / len(no)
    below = 1 - (ranks[~hits] - rankdata(no)) / len(yes)
    return above, below
