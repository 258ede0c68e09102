"""Simpler models are fitted on the training rows, scored on the same test rows, and refused where they cannot be compared."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from slipway.errors import SpecError
from slipway.records import Tuned
from slipway.spec import ModelSpec, Numeric, Preparation
from slipway.training.measuring import Measured, score_baselines
from slipway.training.splitting import Rows


def test_the_most_frequent_class_is_scored_in_every_run(measured: Measured) -> None:
    assert set(measured.baselines) == {"most_frequent", "reference"}

    found = measured.baselines["most_frequent"]
    # 102 of 184 test rows are ill, and 406 of 734 training rows, so everybody is called ill
    assert set(found) == set(measured.metrics)
    assert found["accuracy"] == pytest.approx(102 / 184)
    assert (found["recall"], found["balanced_accuracy"], found["roc_auc"]) == (1.0, 0.5, 0.5)
    ill = 406 / 734
    assert found["neg_log_loss"] == pytest.approx((102 * math.log(ill) + 82 * math.log(1 - ill)) / 184)


def test_the_reference_model_learns_from_the_training_rows_in_the_same_preparation(heart: ModelSpec, rows: Rows, tuned: Tuned) -> None:
    spec = replace(heart, baseline=DecisionTreeClassifier(max_leaf_nodes=3))
    imputing = tuned.model_copy(update={"parameters": {"C": 0.5, "preparation.zeros": "impute"}})

    found = score_baselines(spec, rows, imputing)

    assert list(found) == ["most_frequent", "reference"]
    assert found["reference"]["accuracy"] > found["most_frequent"]["accuracy"]
    assert found == score_baselines(spec, rows, imputing)  # seeded
    assert not hasattr(spec.baseline, "tree_")  # the spec's own stays as it was declared


def test_a_baseline_without_probabilities_is_refused(toy: ModelSpec) -> None:
    with pytest.raises(SpecError, match=r"toy: baseline=LinearSVC\(\) has no predict_proba"):
        replace(toy, baseline=LinearSVC())


@pytest.mark.parametrize("tuning", [{}, {"preparation.missing": "native"}], ids=["declared", "tuned"])
def test_a_baseline_that_knows_no_missing_cells_gets_them_replaced(toy: ModelSpec, tuned: Tuned, tuning: dict[str, str]) -> None:
    random = np.random.default_rng(1)
    weight = pd.Series(random.normal(2, 1, 200).clip(0, 5)).where(random.random(200) > 0.3)
    features = pd.DataFrame({"size": random.integers(0, 100, 200), "weight": weight, "colour": random.choice(["red", "blue"], 200)})
    labels = pd.Series((features["size"] + 10 * weight.fillna(5) > 70).astype(int), name="wanted")
    columns = replace(toy.columns, features=dict(toy.columns.features) | {"weight": Numeric(0, 5, "kg", "Weight", missing=True)})
    spec = replace(
        toy,
        columns=columns,
        estimator=HistGradientBoostingClassifier(),
        search_space={},
        preparation=Preparation(missing="median" if tuning else "native"),
        baseline=LogisticRegression(),
    )

    found = score_baselines(spec, Rows(features, labels, features, labels), tuned.model_copy(update={"parameters": tuning}))

    assert found["reference"]["accuracy"] > found["most_frequent"]["accuracy"]
