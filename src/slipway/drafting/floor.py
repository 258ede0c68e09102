"""The floor of the gate, from simple models: a candidate that is no better than a rule of three leaves is not worth a service."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.spec import ModelSpec

if TYPE_CHECKING:
    import pandas as pd

FOLDS, LEAVES, MOST_ROWS = 5, 3, 20_000
RULE = "three_leaves"


@dataclass(frozen=True, slots=True)
class Baselines:
    """The cross-validated figures of simple models, and the floor that follows from them."""

    floor: float
    figures: dict[str, float]


def measured(spec: ModelSpec, rows: pd.DataFrame) -> Baselines:
    """Cross-validate the answer that knows no column, and a tree of three leaves, on the training rows.

    The floor is the better figure of the two, but that of the tree by twice the standard error of its mean over the folds worse, because
    that much may be chance. It is rounded to two digits, in favour of the candidate. Of an error it is the largest accepted one.

    Args:
        rows: Validated rows of the spec.
    """
    from slipway.training.splitting import split

    found = split(spec, rows.head(MOST_ROWS) if len(rows) > MOST_ROWS else rows)
    name, simplest = next(iter(spec.problem.baselines().items()))
    lower = spec.lower_is_better
    guess, _ = scored(spec, found, simplest, FOLDS)
    rule, error = scored(spec, found, _tree(spec), FOLDS)
    figures = {name: guess, RULE: rule}
    if lower:
        return Baselines(_rounded(min(guess, rule + 2 * error), up=True), figures)
    return Baselines(_rounded(max(guess, rule - 2 * error), up=False), figures)


def _tree(spec: ModelSpec) -> Any:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeClassifier if spec.columns.target.answers_are_categories else DecisionTreeRegressor
    return kind(max_leaf_nodes=LEAVES, random_state=spec.split.seed)


def scored(spec: ModelSpec, rows: Any, estimator: Any, count: int) -> tuple[float, float]:
    """Return the mean of the metric over so many folds, and its standard error."""
    from slipway.training.pipelines import build
    from slipway.training.splitting import folds

    scores = []
    for learnt, asked in folds(spec, rows, count, 1):
        pipeline = spec.problem.wrapped(build(spec, {}, estimator))
        pipeline.fit(rows.train.iloc[learnt], rows.train_labels.iloc[learnt])
        answered = spec.problem.ask(pipeline, rows.train.iloc[asked], rows.train_labels.iloc[asked].tolist())
        scores.append(answered.figure(spec.metric))
    mean = sum(scores) / len(scores)
    variance = sum((score - mean) ** 2 for score in scores) / (len(scores) - 1)
    return mean, math.sqrt(variance / len(scores))


def _rounded(figure: float, up: bool) -> float:
    """Return a figure of at most 1 with two decimals, and a larger one with two digits."""
    step = 0.01 if abs(figure) <= 1 else 10.0 ** (math.floor(math.log10(abs(figure))) - 1)
    places = (math.ceil if up else math.floor)(round(figure / step, 6))
    return float(f"{places * step:.6g}")
