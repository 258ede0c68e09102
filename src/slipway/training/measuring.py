"""The one time a tuned model meets the test rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import FixedThresholdClassifier

from slipway.records import Metrics, Tuned
from slipway.spec import ClassLabel, ModelSpec
from slipway.training.baselines import score_baselines
from slipway.training.evaluation import confusion, evaluate
from slipway.training.pipelines import build
from slipway.training.splitting import Rows


@dataclass(frozen=True, slots=True)
class Measured:
    """A fitted pipeline and its answers to the test rows: n labels, (n, classes) probabilities, and the figures they give.

    `baselines` are the same figures of simpler models on the same rows, by name; see `slipway.training.baselines`.
    """

    pipeline: Any
    labels: list[ClassLabel]
    probabilities: npt.NDArray[np.float64]
    metrics: Metrics
    confusion_matrix: list[list[int]]
    baselines: dict[str, Metrics] = field(default_factory=dict)


def measure(spec: ModelSpec, rows: Rows, tuned: Tuned) -> Measured:
    """Refit on all training rows with the tuned parameters, and score the test rows."""
    pipeline = build(spec, tuned.parameters)
    if tuned.threshold is not None:
        positive = spec.columns.target.positive
        pipeline = FixedThresholdClassifier(pipeline, threshold=tuned.threshold, pos_label=positive, response_method="predict_proba")
    pipeline.fit(rows.train, rows.train_labels)
    labels = pipeline.predict(rows.test).tolist()
    probabilities = np.asarray(pipeline.predict_proba(rows.test), dtype=np.float64)
    truth, target = rows.test_labels.tolist(), spec.columns.target
    return Measured(
        pipeline=pipeline,
        labels=labels,
        probabilities=probabilities,
        metrics=evaluate(target, truth, labels, probabilities),
        confusion_matrix=confusion(target, truth, labels),
        baselines=score_baselines(spec, rows, tuned),
    )
