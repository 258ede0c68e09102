"""The family of the estimator is the one that is better over folds of the training rows, and the file says both figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from slipway.drafting.code import code
from slipway.drafting.drafting import draft
from slipway.drafting.families import LINEAR, TREES, better

ROWS = 300


def drafted(score: np.ndarray, numbers: np.ndarray, folder: Path) -> tuple[bool, str]:
    rows = pd.DataFrame(numbers, columns=["a", "b"]).assign(aim=np.where(score > np.median(score), "yes", "no"))
    rows.to_csv(folder / "rows.csv", index=False)
    made = draft("toy", str(folder / "rows.csv"), "aim")
    assert set(made.families) == {LINEAR, TREES}
    return made.linear, code(made)


@pytest.mark.slow
def test_a_sum_is_drafted_as_a_linear_model_and_a_product_as_boosted_trees(tmp_path: Path):
    random = np.random.default_rng(5)
    numbers = random.normal(size=(ROWS, 2)).round(3)
    noise = random.normal(0, 0.3, ROWS)

    of_sum, of_product = (
        drafted(score + noise, numbers, tmp_path) for score in (numbers[:, 0] + numbers[:, 1], numbers[:, 0] * numbers[:, 1])
    )

    assert of_sum[0]
    assert "estimator=LogisticRegression(max_iter=2_000)" in of_sum[1]
    assert not of_product[0]
    assert "estimator=HistGradientBoostingClassifier()" in of_product[1]
    assert "# over 3 folds of the training rows, accuracy is 0." in of_sum[1]


def test_of_an_error_the_lower_figure_is_better_and_the_linear_model_wins_a_tie():
    figures = {LINEAR: 2.0, TREES: 1.0}

    assert better(figures, lower_is_better=True) == TREES
    assert better(figures, lower_is_better=False) == LINEAR
    assert better({LINEAR: 1.0, TREES: 1.0}, lower_is_better=True) == better({LINEAR: 1.0, TREES: 1.0}, lower_is_better=False) == LINEAR
