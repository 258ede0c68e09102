"""Whether a window of served rows has drifted: every feature beside the training rows, and what was predicted beside the test rows.

A column has drifted when Evidently's distance reaches the threshold and its test finds that chance does not explain it. The
significance is divided by the number of columns, the prediction being one (Bonferroni), so that it holds for the window.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from slipway.monitoring.drift import columns as kinds
from slipway.monitoring.drift.columns import Compared
from slipway.monitoring.findings import DriftFinding
from slipway.monitoring.reference import Reference
from slipway.spec import ClassLabel, ModelSpec

COMMON = 0.01  # the least share of the reference that makes a value's absence worth a word
EXPECTED = 10.0  # rows with it that a window should hold: that there is none is then chance in 1 of 22,000 windows


def find(spec: ModelSpec, reference: Reference, features: pd.DataFrame, labels: Sequence[ClassLabel]) -> DriftFinding:
    """Judge a window.

    Args:
        features: (n, columns) served rows that keep the contract, in any order of columns, n >= 1.
        labels: The n labels that were answered.
    Returns:
        The features in contract order, the prediction, and the values of categories, codes and labels that are new or absent.
    """
    columns = compared(spec, reference, features, labels)
    *found, prediction = [kinds.compare(column, column.drift.significance / len(columns)) for column in columns]
    return DriftFinding(
        columns=found,
        prediction=prediction,
        new={column.name: values for column in columns if (values := _new(column))},
        absent={column.name: values for column in columns if (values := _absent(column))},
    )


def compared(spec: ModelSpec, reference: Reference, features: pd.DataFrame, labels: Sequence[ClassLabel]) -> list[Compared]:
    """Return every column as it is compared: the features in contract order, and then the prediction."""
    target = spec.columns.target
    cells = kinds.texts if target.answers_are_categories else kinds.numbers
    return [
        *(
            kinds.feature(name, kind, reference.training[name], features[name], spec.watch.of_column(name))
            for name, kind in spec.columns.features.items()
        ),
        Compared(
            prediction_name(spec),
            target.answers_are_categories,
            cells(pd.Series(reference.labels)),
            cells(pd.Series(labels)),
            spec.watch.prediction,
        ),
    ]


def prediction_name(spec: ModelSpec) -> str:
    """Return what the predicted labels are called among the columns; no feature is called so."""
    return f"predicted {spec.columns.target.name}"


def _new(column: Compared) -> list[str]:
    return sorted({*column.current.unique()} - {*column.reference.unique()}) if column.categories else []


def _absent(column: Compared) -> list[str]:
    if not column.categories:
        return []
    shares = column.reference.value_counts(normalize=True)
    due = shares[(shares >= COMMON) & (shares * len(column.current) >= EXPECTED)]
    return sorted({*due.index} - {*column.current.unique()})
