"""What kind of answers an estimator gives, by its own tags."""

from __future__ import annotations

from typing import Any

CLASSIFIER, REGRESSOR = "classifier", "regressor"


def kind_of(estimator: Any) -> str | None:
    """Return `CLASSIFIER`, `REGRESSOR`, or None if the estimator does not say."""
    tags = getattr(estimator, "__sklearn_tags__", None)
    kind: str | None = tags().estimator_type if tags else None
    return kind


def takes_missing_cells(estimator: Any) -> bool:
    """Return whether an estimator knows NaN by itself; one that does not say fails at it."""
    tags = getattr(estimator, "__sklearn_tags__", None)
    return bool(tags and tags().input_tags.allow_nan)
