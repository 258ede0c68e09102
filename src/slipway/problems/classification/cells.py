"""The target's column of a file: what its cells must be, and which features give the answer away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from slipway.problems.classification.target import Target

LEAK_VALUES = 20  # a column with more different values than this may separate the classes by chance

Places = Callable[["pd.Series[Any]"], str]


def read(target: Target, cells: pd.Series[str], places: Places) -> tuple[pd.Series[Any], list[str]]:
    """Return the labels that the cells of a file stand for, and what is wrong with the cells.

    Args:
        places: Names the lines and values of some cells.
    """
    by_text = target.by_text
    unknown = ~cells.isin(list(by_text))
    if unknown.any():
        return cells, [f"target {target.name!r} has unknown classes, expected one of {list(by_text)}: {places(cells[unknown])}."]
    absent = [label for label in by_text if not (cells == label).any()]
    found = [
        f"target {target.name!r} has no row of class {label}; a classifier cannot be trained or judged without it." for label in absent
    ]
    return cells.map(by_text), found


def groups(target: Target, rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of each class, by the label's text: sample rows are drawn from the statistics of one group at a time."""
    return {str(label): part for label, part in rows.groupby(target.name)}


def cells_of_group(target: Target, group: str, count: int) -> list[str]:
    """Return the target's cells, as the file writes them, of `count` sample rows of a group."""
    texts = {str(label): text for text, label in target.by_text.items()}
    return [texts[group]] * count


def leaks(target: Target, rows: pd.DataFrame, features: list[str]) -> list[str]:
    """Return an error for each column whose every value occurs with one class only: it gives the answer away."""
    return [
        f"column {name!r} determines the target {target.name!r} by itself: it leaks the answer. Exclude it with a reason."
        for name in features
        if 2 <= rows[name].nunique() <= LEAK_VALUES and rows[target.name].groupby(rows[name]).nunique().max() == 1
    ]
