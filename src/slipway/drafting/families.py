"""Which family of estimators suits a table: boosted trees, or a linear model, which needs less time and says more of each column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from slipway.drafting.floor import scored
from slipway.spec import ModelSpec

if TYPE_CHECKING:
    import pandas as pd

TREES, LINEAR = "trees", "linear"
NAMES = {LINEAR: "a linear model", TREES: "boosted trees"}
FOLDS = 3
MOST_ROWS = 20_000  # with more rows, trees learn what a linear model cannot express, and the comparison would take long
# between the few and small trees that suit hundreds of rows and the defaults, which suit tens of thousands
USUAL = {"max_iter": 120, "learning_rate": 0.08, "max_leaf_nodes": 8}


def compared(trees: ModelSpec, linear: ModelSpec, rows: pd.DataFrame) -> dict[str, float]:
    """Return the mean of the metric over the folds of the training rows, by family.

    Args:
        trees: The draft with boosted trees.
        linear: The same draft with a linear model.
        rows: Validated rows of both.
    """
    from sklearn.base import clone

    from slipway.training.splitting import split

    found = split(trees, rows)
    with threadpool_limits(1):  # small matrices are slower on several cores
        return {
            LINEAR: scored(linear, found, linear.estimator, FOLDS)[0],
            TREES: scored(trees, found, clone(trees.estimator).set_params(**USUAL), FOLDS)[0],
        }


def better(figures: dict[str, float], lower_is_better: bool) -> str:
    """Return the family with the better figure; a linear model, if both are the same."""
    linear, trees = figures[LINEAR], figures[TREES]
    return LINEAR if (linear <= trees if lower_is_better else linear >= trees) else TREES


def described(figures: dict[str, float], metric: str) -> str:
    """Return the figures of the families as a sentence without a full stop."""
    each = " and ".join(f"{figure:.3g} with {NAMES[family]}" for family, figure in figures.items())
    return f"over {FOLDS} folds of the training rows, {metric} is {each}"
