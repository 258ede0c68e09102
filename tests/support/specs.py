"""The declaration of a model of two classes, for tests of one part of it."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator

from slipway.spec import Columns, Dataset, Gate, ModelSpec, Split


def classifier_spec(name: str, columns: Columns, estimator: BaseEstimator, **changes: Any) -> ModelSpec:
    """Return the model `name`, which is tuned by accuracy and searches nothing; `changes` replace other fields."""
    given: dict[str, Any] = {
        "name": name,
        "registered_as": name,
        "description": f"Rows with {name}.",
        "dataset": Dataset("rows.csv", "0" * 64, "rows.csv"),
        "columns": columns,
        "split": Split(0.25, 1, stratify=True),
        "estimator": estimator,
        "search_space": {},
        "metric": "accuracy",
        "gate": Gate(0.5),
        "port": 8_100,
    }
    return ModelSpec(**(given | changes))
