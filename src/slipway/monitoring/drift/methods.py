"""Evidently's distances and tests for one column, without the plots that its reports draw.

Evidently 0.7 keeps them in `evidently.legacy.calculations.stattests`, and documents that module for adding tests.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from slipway.monitoring.drift import homogeneity
from slipway.spec.watch import CATEGORY_TESTS, NUMBER_TESTS


def score(method: str, reference: pd.Series[Any], current: pd.Series[Any], categories: bool) -> float:
    """Return a distance, >= 0, or the p-value of a test.

    Args:
        method: One of the names of Evidently that `slipway.spec.watch` allows for the kind of column.
        reference, current: (n,) and (m,) cells, none missing: floats, or texts for categories.
    Raises:
        ValueError: There are no cells, or Evidently's result is not finite.
    """
    from evidently.legacy.calculations.stattests import get_stattest
    from evidently.legacy.core import ColumnType

    if reference.empty or current.empty:
        raise ValueError(f"{method}: {len(reference)} cells of the reference, {len(current)} of the window; expected at least one of each.")
    homogeneity.register()
    kind = ColumnType.Categorical if categories else ColumnType.Numerical
    if len(both := {*reference.unique(), *current.unique()}) == 1:  # some tests divide by the variance, which is 0
        return 1.0 if method in NUMBER_TESTS + CATEGORY_TESTS else 0.0
    found = float(get_stattest(reference, current, kind, method)(reference, current, kind, None).drift_score)
    if not math.isfinite(found):
        raise ValueError(f"{method} of {len(both)} values in {len(reference)} and {len(current)} cells is {found}; use another method.")
    return found


def drifted(distance: float, threshold: float, p_value: float, significance: float) -> bool:
    """Return whether a column is far enough away, and chance does not explain it."""
    return distance >= threshold and p_value <= significance


def together(distance: str, test: str, significance: float, categories: bool) -> str:
    """Register a distance that counts as drift only if the test agrees, and return its name in Evidently.

    Evidently's reports take one method a column. With this one they show the distance, and their verdict is that of `drifted`.
    """
    from evidently.legacy.calculations.stattests import StatTest, register_stattest
    from evidently.legacy.core import ColumnType

    def judge(reference: pd.Series[Any], current: pd.Series[Any], feature_type: Any, threshold: float) -> tuple[float, bool]:
        found, p_value = (score(name, reference, current, categories) for name in (distance, test))
        return found, drifted(found, threshold, p_value, significance)

    name = f"{distance}, and {test} p <= {significance:.2g}"
    register_stattest(StatTest(name, name, [ColumnType.Categorical if categories else ColumnType.Numerical]), default_impl=judge)
    return name
