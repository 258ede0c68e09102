"""Whether a window of served rows has drifted: each feature is compared with the training rows, the predictions with the test rows.

A column has drifted if Evidently's distance reaches the threshold and its test finds that chance does not explain it. The significance
is divided by the number of columns, the prediction included (Bonferroni), so that it is the significance of the whole window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from slipway.monitoring.drift import columns as kinds
from slipway.monitoring.drift.columns import Compared
from slipway.monitoring.findings import DriftFinding
from slipway.problems.serving import Answer
from slipway.spec import Date, ModelSpec, Text

COMMON = 0.01  # a value with a smaller share of the reference is not reported as absent
EXPECTED = 10.0  # expected rows with the value in the window; if 10 are expected, chance leaves none in 1 of 22,000 windows


@dataclass(frozen=True, slots=True)
class Reference:
    """What a window is compared with: the training rows, features in contract order; and predicted and true labels of the n test rows.

    The labels are of the test rows, because a model answers its training rows better than any others: a forest returns nearly all of
    their labels. Served rows are unseen, and so are the test rows, so the shares of their labels can be compared.
    """

    training: pd.DataFrame
    labels: Sequence[Answer]
    truth: Sequence[Answer]


def find(spec: ModelSpec, reference: Reference, features: pd.DataFrame, labels: Sequence[Answer]) -> DriftFinding:
    """Judge a window.

    Args:
        features: (n, columns) served rows that keep the contract, in any order of columns, n >= 1.
        labels: The n predicted labels.
    Returns:
        The features in contract order, the spans between dates, the words of texts, the gaps of those that may be missing, the
        prediction, and the new and absent values of categories, codes and labels.
    """
    columns = compared(spec, reference, features, labels)
    *found, prediction = [kinds.compare(column, column.drift.significance / len(columns)) for column in columns]
    return DriftFinding(
        columns=found,
        prediction=prediction,
        new={column.name: values for column in columns if (values := _new(column))},
        absent={column.name: values for column in columns if (values := _absent(column))},
    )


def compared(spec: ModelSpec, reference: Reference, features: pd.DataFrame, labels: Sequence[Answer]) -> list[Compared]:
    """Return every column in the form in which it is compared: features, spans, texts, gaps, and then the prediction."""
    target = spec.columns.target
    cells = kinds.texts if target.answers_are_categories else kinds.numbers
    training = reference.training
    found = [
        kinds.feature(name, kind, training[name], features[name], spec.watch.of_column(name))
        for name, kind in spec.columns.features.items()
        if not isinstance(kind, Date | Text)  # a date is always later than those of the training rows, and each text is another
    ]
    return [
        *(column for column in found if not _only_gaps(spec, column)),
        *(
            span
            for name, since in spec.columns.spans.items()
            if not _is_empty(span := kinds.span(name, since, training, features, spec.watch.of_column(name)))
        ),
        *(
            of_text
            for name in spec.columns.texts
            for of_text in kinds.of_text(name, training[name], features[name], spec.watch.of_column(name))
            if not _is_empty(of_text)
        ),
        *(
            kinds.gaps(name, training[name], features[name], spec.watch.of_column(name))
            for name, kind in spec.columns.features.items()
            if kind.missing
        ),
        Compared(
            prediction_name(spec),
            target.answers_are_categories,
            cells(pd.Series(reference.labels)),
            cells(pd.Series(labels)),
            spec.watch.of_prediction(target.answers_are_categories),
        ),
    ]


def _only_gaps(spec: ModelSpec, column: Compared) -> bool:
    return spec.columns.features[column.name].missing and _is_empty(column)


def _is_empty(column: Compared) -> bool:
    return column.reference.empty or column.current.empty


def prediction_name(spec: ModelSpec) -> str:
    """Return the name of the predicted labels among the columns; no feature has this name."""
    return f"predicted {spec.columns.target.name}"


def _new(column: Compared) -> list[str]:
    return sorted({*column.current.unique()} - {*column.reference.unique()}) if column.categories else []


def _absent(column: Compared) -> list[str]:
    if not column.categories:
        return []
    shares = column.reference.value_counts(normalize=True)
    due = shares[(shares >= COMMON) & (shares * len(column.current) >= EXPECTED)]
    return sorted({*due.index} - {*column.current.unique()})
