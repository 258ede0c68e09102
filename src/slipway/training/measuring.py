"""The one time a tuned model meets the test rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.records import Metrics, Tuned
from slipway.spec import ClassLabel, ModelSpec
from slipway.training.evaluation import confusion, evaluate
from slipway.training.pipelines import build
from slipway.training.splitting import Rows


@dataclass(frozen=True, slots=True)
class Measured:
    """A fitted pipeline and its answers to the test rows: n labels, (n, classes) probabilities, and the figures they give."""

    pipeline: Any
    labels: list[ClassLabel]
    probabilities: npt.NDArray[np.float64]
    metrics: Metrics
    confusion_matrix: list[list[int]]


def measure(spec: ModelSpec, rows: Rows, tuned: Tuned) -> Measured:
    """Refit on all training rows with the tuned parameters, and score the test rows."""
    pipeline = build(spec, tuned.parameters).fit(rows.train, rows.train_labels)
    labels = pipeline.predict(rows.test).tolist()
    probabilities = np.asarray(pipeline.predict_proba(rows.test), dtype=np.float64)
    truth, target = rows.test_labels.tolist(), spec.columns.target
    return Measured(
        pipeline=pipeline,
        labels=labels,
        probabilities=probabilities,
        metrics=evaluate(target, truth, labels, probabilities),
        confusion_matrix=confusion(target, truth, labels),
    )
