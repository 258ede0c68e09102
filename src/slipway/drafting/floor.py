"""The floor of the gate, from simple models: a candidate that is no better than a rule of three leaves is not worth a service."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.spec import ModelSpec

if TYPE_CHECKING:
    import pandas as pd

FOLDS, LEAVES, MOST_ROWS = 5, 3, 20_000


@dataclass(frozen=True, slots=True)
class Baselines:
    """The cross-validated figures of simple models, and the floor that follows from them."""

    floor: float
    figures: dict[str, float]


def measured(spec: ModelSpec, rows: pd.DataFrame) -> Baselines:
    """Cross-validate the most frequent class and a tree of three leaves on the training rows.

    The floor is the better figure of the two, less twice the standard error of its mean over the folds, rounded down to two digits.

    Args:
        rows: Validated rows of the spec.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.tree import DecisionTreeClassifier

    from slipway.training.pipelines import MODEL_STEP, build
    from slipway.training.splitting import split

    found = split(spec, rows.head(MOST_ROWS) if len(rows) > MOST_ROWS else rows)
    name, _ = spec.problem.simplest_baseline
    simple = {name: spec.problem.baseline(), "three_leaves": DecisionTreeClassifier(max_leaf_nodes=LEAVES, random_state=spec.split.seed)}
    smallest = int(found.train_labels.value_counts().min())
    folds = StratifiedKFold(max(2, min(FOLDS, smallest)), shuffle=True, random_state=spec.split.seed)
    scorer = _scorer(spec)
    figures, lows = {}, []
    for of, estimator in simple.items():
        pipeline = build(spec, {}).set_params(**{MODEL_STEP: estimator})
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*Precision is ill-defined.*")
            scores = cross_val_score(pipeline, found.train, found.train_labels, cv=folds, scoring=scorer)
        figures[of] = float(scores.mean())
        lows.append(figures[of] - 2 * float(scores.std(ddof=1)) / math.sqrt(len(scores)))
    figure = max([figures[name], *lows[1:]])
    return Baselines(math.floor(figure * 100) / 100, figures)


def _scorer(spec: ModelSpec) -> str:
    return "roc_auc_ovr" if spec.metric == "roc_auc" and not spec.columns.target.binary else spec.metric
