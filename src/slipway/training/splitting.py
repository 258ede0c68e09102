"""The split into training and test rows, by the seed of the spec."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from sklearn.model_selection import train_test_split

from slipway.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Rows:
    """Training and test rows: features in contract order, and the labels of the same rows."""

    train: pd.DataFrame
    train_labels: pd.Series
    test: pd.DataFrame
    test_labels: pd.Series


def split(spec: ModelSpec, rows: pd.DataFrame) -> Rows:
    """Split validated rows. The same rows and spec give the same split, so every step may repeat it."""
    labels = rows[spec.columns.target.name]
    train, test = train_test_split(
        rows, test_size=spec.split.test, random_state=spec.split.seed, stratify=labels if spec.split.stratify else None
    )
    names, target = spec.columns.names, spec.columns.target.name
    return Rows(train[names], train[target], test[names], test[target])
