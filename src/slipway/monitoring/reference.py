"""What a window is compared with: the champion's training rows, and its answers to the test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from slipway.spec import ClassLabel


@dataclass(frozen=True, slots=True)
class Reference:
    """The training rows, features in contract order; and the predicted and the true labels of the n test rows.

    The labels are of the test rows, because a model answers its training rows better than any others: a forest returns nearly all of
    their labels. Served rows are unseen, and so are the test rows, so the shares of their labels can be compared.
    """

    training: pd.DataFrame
    labels: Sequence[ClassLabel]
    truth: Sequence[ClassLabel]
