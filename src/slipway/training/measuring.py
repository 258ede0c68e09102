"""The one time a tuned model meets the test rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from slipway.problems.training import Evaluation
from slipway.records import Metrics, Tuned
from slipway.spec import ModelSpec
from slipway.training.baselines import score_baselines
from slipway.training.pipelines import build
from slipway.training.splitting import Rows


@dataclass(frozen=True, slots=True)
class Measured:
    """A fitted pipeline, its answers to the test rows, and their figures.

    `baselines` are the same figures of simpler models on the same rows, by name; see `slipway.training.baselines`.
    """

    pipeline: Any
    evaluation: Evaluation
    metrics: Metrics
    baselines: dict[str, Metrics] = field(default_factory=dict)


def measure(spec: ModelSpec, rows: Rows, tuned: Tuned) -> Measured:
    """Refit on all training rows with the tuned parameters, and score the test rows."""
    pipeline = spec.problem.decide_from(build(spec, tuned.parameters), tuned.threshold)
    pipeline.fit(rows.train, rows.train_labels)
    evaluation = spec.problem.ask(pipeline, rows.test, rows.test_labels.tolist())
    return Measured(pipeline, evaluation, evaluation.figures(), score_baselines(spec, rows, tuned))
