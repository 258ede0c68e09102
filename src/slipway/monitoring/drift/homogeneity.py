"""The chi-squared test of homogeneity, for Evidently: whether two samples of categories can come from one distribution.

Evidently's own `chisquare` treats the training rows as the true distribution, but they are a sample too. With 700 of them and a window
of 500, its statistic is 1.7 times too large; and a single value that is not in the training rows always counts as drift.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

NAME = "homogeneity"
LEAST_EXPECTED = 5.0  # Cochran (1954): below it, the chi-squared distribution is a poor approximation
TABLES = 9_999


def p_value(reference: pd.Series[Any], current: pd.Series[Any]) -> float:
    """Return how likely it is that counts differ as much as these, if both samples come from one distribution.

    If a value is expected less than five times in either sample, seeded random tables with the same margins replace the chi-squared
    distribution. If the counts differ more than in all of these tables, the result is the smaller of 1e-4, the bound of the tables, and
    the chi-squared approximation.

    Args:
        reference, current: (n,) and (m,) values, none missing, n, m >= 1.
    """
    from scipy.stats import MonteCarloMethod, chi2_contingency

    counts = pd.concat([reference.value_counts(), current.value_counts()], axis=1).fillna(0).to_numpy(dtype=int).T
    if counts.shape[1] < 2:
        return 1.0
    found = chi2_contingency(counts, correction=False)
    if found.expected_freq.min() >= LEAST_EXPECTED:
        return float(found.pvalue)
    drawn = chi2_contingency(counts, correction=False, method=MonteCarloMethod(n_resamples=TABLES, rng=0))
    bound = 1 / (TABLES + 1)
    return float(drawn.pvalue if drawn.pvalue > bound else min(bound, found.pvalue))


def register() -> None:
    """Register the test with Evidently under its name; safe to call twice."""
    from evidently.legacy.calculations.stattests import StatTest, register_stattest
    from evidently.legacy.core import ColumnType

    def test(reference: pd.Series[Any], current: pd.Series[Any], feature_type: Any, threshold: float) -> tuple[float, bool]:
        found = p_value(reference, current)
        return found, found <= threshold

    register_stattest(StatTest(NAME, "chi-squared test of homogeneity, p_value", [ColumnType.Categorical], 0.05), default_impl=test)
