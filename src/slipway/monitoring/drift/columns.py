"""One column of a window compared with the training rows: a distance measures how far it moved, a test whether chance explains it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pandas as pd

from slipway.monitoring.drift import methods
from slipway.monitoring.findings import ColumnDrift
from slipway.rows.words import words
from slipway.spec.columns import Category, Feature
from slipway.spec.watch import Drift, as_categories

OTHER = "(other)"
SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Compared:
    """One column in the form in which it is compared: its cells in the reference and in the window, and what counts as drift.

    The cells are floats, or texts for categories.
    """

    name: str
    categories: bool
    reference: pd.Series[Any]
    current: pd.Series[Any]
    drift: Drift

    @property
    def distance(self) -> str:
        """Evidently's name of the distance."""
        return self.drift.methods(self.categories)[0]

    @property
    def test(self) -> str:
        """Evidently's name of the test."""
        return self.drift.methods(self.categories)[1]

    @property
    def threshold(self) -> float:
        """The smallest distance that counts."""
        return self.drift.least(self.categories)


def feature(name: str, kind: Feature, training: pd.Series[Any], served: pd.Series[Any], drift: Drift) -> Compared:
    """Return a feature in the form in which it is compared, without its missing cells: `gaps` compares those.

    A whole number may be 1 in one of the two and 1.0 in the other, and a boolean true.
    """
    training, served = training.dropna(), served.dropna()
    if not as_categories(kind):
        return Compared(name, False, numbers(training), numbers(served), drift)
    if isinstance(kind, Category):
        training, served = grouped(kind, training), grouped(kind, served)
    else:
        training, served = training.astype("int64"), served.astype("int64")
    return Compared(name, True, texts(training), texts(served), drift)


def span(name: str, since: str, training: pd.DataFrame, served: pd.DataFrame, drift: Drift) -> Compared:
    """Return the days between two dates as a column of its own, without those of which one is missing."""
    both = [cells[[since, name]].dropna().astype("datetime64[s]") for cells in (training, served)]
    days = [(dates[name] - dates[since]).dt.total_seconds() / SECONDS_A_DAY for dates in both]
    return Compared(f"{name} in days since {since}", False, numbers(days[0]), numbers(days[1]), drift)


def of_text(name: str, training: pd.Series[Any], served: pd.Series[Any], drift: Drift) -> tuple[Compared, Compared]:
    """Return how many words a text has, and the share of them that is new, as columns of their own.

    A word is new if no training text has it; a word of a training text, if no other one has it: so it would be to a model that has not
    seen this text. Texts without a word have no share.
    """
    both = [[words(text) for text in cells.dropna()] for cells in (training, served)]
    texts_with = Counter(word for found in both[0] for word in set(found))
    shares = [
        [sum(texts_with[word] < enough for word in found) / len(found) for found in texts if found]
        for enough, texts in zip((2, 1), both, strict=True)
    ]
    lengths = [[len(found) for found in texts] for texts in both]
    return (
        Compared(f"words in {name}", False, numbers(pd.Series(lengths[0])), numbers(pd.Series(lengths[1])), drift),
        Compared(f"new words in {name}", False, numbers(pd.Series(shares[0])), numbers(pd.Series(shares[1])), drift),
    )


def gaps(name: str, training: pd.Series[Any], served: pd.Series[Any], drift: Drift) -> Compared:
    """Return which cells of a feature are missing, as a column of its own: a rate that changes is a drift of its own."""
    both = [cells.isna().map({True: "missing", False: "present"}) for cells in (training, served)]
    settings = drift if drift.fits(categories=True) else Drift(significance=drift.significance)
    return Compared(f"{name} is missing", True, texts(both[0]), texts(both[1]), settings)


def grouped(kind: Category, cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return categories, with one name for all that are none of the values."""
    return cells.where(cells.isin(kind.values), OTHER) if kind.other else cells


def numbers(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return numbers as floats, under a new index."""
    return cells.astype("float64").reset_index(drop=True)


def texts(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return categories, codes or labels as texts, under a new index."""
    return cells.astype(str).reset_index(drop=True)


def compare(column: Compared, significance: float) -> ColumnDrift:
    """Return the distance, the test's p-value, and whether both say that the column drifted.

    Args:
        significance: The largest p-value that counts, for this one column.
    """
    distance, p_value = (
        methods.score(name, column.reference, column.current, column.categories) for name in (column.distance, column.test)
    )
    return ColumnDrift(
        column=column.name,
        distance_by=column.distance,
        distance=distance,
        threshold=column.threshold,
        test=column.test,
        p_value=p_value,
        significance=significance,
        drifted=methods.drifted(distance, column.threshold, p_value, significance),
    )
