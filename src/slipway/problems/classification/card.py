"""What a model card and a release report say about a classifier."""

from __future__ import annotations

from collections.abc import Sequence

from slipway.problems.classification.target import Target
from slipway.rendering.markdown import table

# the figures that the table of slices shows beside the spec's metric
_BINARY_COLUMNS = ("accuracy", "precision", "recall", "f1", "roc_auc")
_MULTICLASS_COLUMNS = ("accuracy", "balanced_accuracy", "f1_macro", "roc_auc_ovr")


def classes(target: Target) -> str:
    """Return each label with its meaning."""
    return ", ".join(f"{label} = {meaning}" for label, meaning in target.classes.items())


def confusion(target: Target, matrix: Sequence[Sequence[int]]) -> list[str]:
    """Return a table of counted rows: true classes down, predicted classes across."""
    meanings = list(target.classes.values())
    return table(["true \\ predicted", *meanings], [[meaning, *counts] for meaning, counts in zip(meanings, matrix, strict=True)])


def decision(target: Target, metric: str, threshold: float | None) -> str:
    """Return when a row is called what."""
    if not target.binary:
        return "The class with the highest probability."
    meaning = target.classes[target.positive]  # type: ignore[index]
    if threshold is None:
        return f"*{meaning}* if it is the likelier class (probability above 0.5)."
    return f"*{meaning}* from a probability of {threshold:.4f}, chosen for the best {metric} by cross-validation on the training rows."


def slice_metrics(target: Target) -> tuple[str, ...]:
    """Return the figures that a table of slices shows."""
    return _BINARY_COLUMNS if target.binary else _MULTICLASS_COLUMNS
