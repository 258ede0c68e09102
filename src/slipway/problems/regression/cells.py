"""The target's column of a file: what its cells must be, and which features give the answer away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from slipway.problems.regression.target import Quantity

GROUPS = 10  # of sample rows, by the size of the target
CERTAIN = 1 - 1e-12  # a correlation that is 1 but for rounding
TO = " to "

Places = Callable[["pd.Series[Any]"], str]
Numbers = Callable[["pd.Series[str]"], "pd.Series[float]"]


def read(target: Quantity, cells: pd.Series[str], places: Places, numbers: Numbers) -> tuple[pd.Series[Any], list[str]]:
    """Return the numbers that the cells of a file stand for, and what is wrong with the cells.

    Args:
        places: Names the lines and values of some cells.
        numbers: Returns the numbers that cells spell, by the marks of the file; NaN where they spell none.
    """
    found, values = [], numbers(cells)
    missing = cells.str.strip() == ""
    if missing.any():
        found.append(f"target {target.name!r} has missing values: {places(cells[missing])}.")
    unreadable = ~np.isfinite(values) & ~missing
    if unreadable.any():
        found.append(f"target {target.name!r} has text where numbers ({target.unit}) were expected: {places(cells[unreadable])}.")
    low, high = -np.inf if target.low is None else target.low, np.inf if target.high is None else target.high
    outside = ((values < low) | (values > high)) & ~unreadable
    if outside.any():
        found.append(f"target {target.name!r} is outside {low:g} to {high:g} {target.unit}: {places(cells[outside])}.")
    if not found and values.nunique() < 2:
        found.append(f"target {target.name!r} has the same value in every row; there is nothing to predict.")
    return values, found


def groups(target: Quantity, rows: pd.DataFrame, fewest: int = 1) -> dict[str, pd.DataFrame]:
    """Return the rows in up to ten bands of the target, named "low to high"; sample rows are drawn from the statistics of one band.

    Args:
        fewest: Rows that a band has at least, if there are so many. Its low and high are the means of so many of its numbers.
    """
    bands = pd.qcut(rows[target.name].rank(method="first"), max(1, min(GROUPS, len(rows) // fewest)), labels=False)
    found: dict[str, list[pd.DataFrame]] = {}
    for _, part in rows.groupby(bands):
        numbers = part[target.name].sort_values()
        ends = (float(end.mean()) for end in (numbers.head(fewest), numbers.tail(fewest)))
        found.setdefault(TO.join(map(repr, ends)), []).append(part)  # a number that is very frequent fills several bands
    return {name: pd.concat(parts) for name, parts in found.items()}


def cells_of_group(group: str, count: int) -> list[str]:
    """Return the target's cells, as the file writes them, of `count` sample rows of a band: spread evenly over it."""
    low, high = map(float, group.split(TO))
    return [f"{value:.6g}" for value in np.linspace(low, high, count)]


def leaks(target: Quantity, rows: pd.DataFrame, features: list[str]) -> list[str]:
    """Return an error for each column that is the target in another unit: it gives the answer away."""
    numeric = [name for name in features if is_numeric_dtype(rows[name]) and rows[name].nunique() > 2]
    return [
        f"column {name!r} determines the target {target.name!r} by itself: it leaks the answer. Exclude it with a reason."
        for name in numeric
        if abs(np.corrcoef(rows[name], rows[target.name])[0, 1]) >= CERTAIN
    ]
