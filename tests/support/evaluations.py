"""Evaluations of two and of three classes, for tests of figures and of their intervals."""

from __future__ import annotations

import numpy as np

from slipway.problems.classification.evaluation import Evaluation
from slipway.spec import Target

TWO = Target("ill", {0: "no", 1: "yes"}, positive=1)
THREE = Target("fate", {"drop": "a", "enrol": "b", "grad": "c"})


def answers(target: Target, rows: int, seed: int = 1) -> Evaluation:
    """Answers that are better than chance, with many equal probabilities."""
    generator, size = np.random.default_rng(seed), len(target.labels)
    truth = generator.integers(size, size=rows)
    scores = np.round(generator.dirichlet(np.ones(size), size=rows), 1) + 0.5 * np.eye(size)[truth] + 0.01
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    labels = [target.labels[at] for at in probabilities.argmax(axis=1)]
    return Evaluation(target, [target.labels[at] for at in truth], labels, probabilities)
