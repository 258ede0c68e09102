"""Columns that repeat another one, or that give the answer away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from slipway.drafting.columns import RARE, Numbers
from slipway.drafting.findings import Found

ENOUGH = 0.5  # of the rows
ENOUGH_ROWS = 1_000  # of a column, to see that it is another one
GIVEN_AWAY = 0.98  # of the rows whose class one column alone determines
WEIGHTS = ("weight", "weights", "sample_weight", "survey_weight", "case_weight", "peso", "pesos", "factor_expansion", "fexp")
SAME = 0.9999  # a correlation that rounding explains
BETTER = 0.5  # of the rows that the most frequent class is wrong about


def without_repetitions(columns: list[Found], text: pd.DataFrame) -> list[Found]:
    """Leave out each column that has the same cells as one before it."""
    seen: dict[int, str] = {}
    checked = []
    for column in columns:
        if column.feature is None:
            checked.append(column)
            continue
        cells = text[column.name].str.strip()
        key = hash((int(cells.str.len().sum()), *cells.head(ENOUGH_ROWS)))
        if key in seen and cells.equals(text[seen[key]].str.strip().rename(column.name)):
            checked.append(replace(column, feature=None, why=f"it repeats {seen[key]}", ask=""))
            continue
        seen[key] = column.name
        checked.append(column)
    return checked


def grouped(numbers: pd.Series[float]) -> pd.Series[int]:
    """Return numbers as ten groups of equal size, or fewer if many are equal; missing ones are a group of their own."""
    return pd.qcut(numbers, 10, labels=False, duplicates="drop").fillna(-1).astype(int)


def saying_the_same(numbers: Mapping[str, pd.Series[float]]) -> dict[str, str]:
    """Return the columns of numbers that follow from one before them by a factor and a sum, such as a charge by the minute."""
    found: dict[str, str] = {}
    names = list(numbers)
    correlations = pd.DataFrame(dict(numbers)).corr().abs().to_numpy()
    for place, name in enumerate(names):
        before = [other for other in range(place) if correlations[place, other] >= SAME and names[other] not in found]
        if before:
            found[name] = names[before[0]]
    return found


def giving_the_answer_away(columns: list[Found], text: pd.DataFrame, spelt: Numbers, answers: pd.Series[Any]) -> dict[str, float]:
    """Return the columns that alone determine the class of nearly every row, and the share of the rows for which they do.

    Cells that are in few rows say nothing. Numbers are put in ten groups of equal size.

    Args:
        spelt: Returns the numbers that cells spell.
        answers: (n,) the class of each row; for a target that is a number, one of ten groups of equal size.
    """
    usual = answers.value_counts(normalize=True).max()
    classes, different = pd.factorize(answers)
    found = {}
    for column in columns:
        if column.feature is None:
            continue
        cells: pd.Series[Any] = text[column.name].str.strip()
        if hasattr(column.feature, "low") and (numbers := spelt(cells)).nunique() > 20:
            cells = grouped(numbers)
        places, _ = pd.factorize(cells)
        frequent = np.bincount(places)[places] >= RARE
        if frequent.mean() < ENOUGH:
            continue
        counts = np.bincount(places[frequent] * len(different) + classes[frequent], minlength=(places.max() + 1) * len(different))
        share = counts.reshape(-1, len(different)).max(axis=1).sum() / frequent.sum()
        if share >= GIVEN_AWAY and share - usual >= BETTER * (1 - usual):
            found[column.name] = float(share)
    return found


def named_as_weights(numbers: Mapping[str, pd.Series[float]]) -> list[str]:
    """Return a question for each column of positive numbers whose name says that it may have the weights of the rows."""
    return [
        f"{name}: is it for how many people or things a row stands? Then take it out of the features, and name it in Columns(weight=...)."
        for name, cells in numbers.items()
        if name.strip().lower() in WEIGHTS and (cells > 0).all()
    ]
