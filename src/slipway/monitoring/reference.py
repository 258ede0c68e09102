"""What a window is compared with: the rows that the champion learnt from, and what it says to rows it did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from slipway.spec import ClassLabel


@dataclass(frozen=True, slots=True)
class Reference:
    """The training rows, features in contract order; and the labels said to the n test rows, with the true ones.

    The labels are of the test rows, because a model answers the rows it has learnt from better than any others: a forest gives
    nearly all of them back. Served rows are unseen, as the test rows are, so the shares of the labels can be compared with theirs.
    """

    training: pd.DataFrame
    labels: Sequence[ClassLabel]
    truth: Sequence[ClassLabel]
