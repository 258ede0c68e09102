"""Boosted trees: the engine's answers are the library's, also on thresholds and next to them, for gaps and for unknown categories."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from xgboost import XGBClassifier, XGBRegressor

from slipway.bundle.compiling.ensembles import bin_graph, ensemble_of
from slipway.bundle.engines.ensemble import TreeEnsemble, fits_table
from slipway.bundle.engines.tree_table import TreeTable
from slipway.errors import CannotCompileError

Matrix = npt.NDArray[np.float64]

pytestmark = pytest.mark.slow

WIDTH, ROWS, CATEGORIES = 8, 1200, (2, 5)
LIGHT = {"n_estimators": 25, "verbose": -1, "n_jobs": 1}
EXTREME = {"n_estimators": 25, "n_jobs": 1}
CAT = {"iterations": 25, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
KINDS = ["c" if place in CATEGORIES else "q" for place in range(WIDTH)]
TWO: dict[str, Any] = {
    "LightGBM": LGBMClassifier(**LIGHT),
    "LightGBM, zero is missing": LGBMClassifier(zero_as_missing=True, **LIGHT),
    "LightGBM, no missing cells": LGBMClassifier(use_missing=False, **LIGHT),
    "LightGBM, random forest": LGBMClassifier(boosting_type="rf", subsample=0.5, subsample_freq=1, **LIGHT),
    "LightGBM, dropout": LGBMClassifier(boosting_type="dart", **LIGHT),
    "LightGBM, 200 leaves": LGBMClassifier(num_leaves=200, min_child_samples=2, **LIGHT),
    "XGBoost": XGBClassifier(**EXTREME),
    "XGBoost, by leaf": XGBClassifier(grow_policy="lossguide", max_leaves=90, max_depth=0, **EXTREME),
    "CatBoost": CatBoostClassifier(**CAT),
    "CatBoost, missing cells last": CatBoostClassifier(nan_mode="Max", **CAT),
    "histograms": HistGradientBoostingClassifier(max_iter=25),
}
THREE: dict[str, Any] = {
    "LightGBM": LGBMClassifier(**LIGHT),
    "LightGBM, one against all": LGBMClassifier(objective="multiclassova", **LIGHT),
    "XGBoost": XGBClassifier(**EXTREME),
    "XGBoost, several trees a stage": XGBClassifier(num_parallel_tree=3, subsample=0.5, **EXTREME),
    "CatBoost": CatBoostClassifier(**CAT),
    "CatBoost, one against all": CatBoostClassifier(loss_function="MultiClassOneVsAll", **CAT),
    "histograms": HistGradientBoostingClassifier(max_iter=25),
}
NUMBER: dict[str, Any] = {
    **{f"LightGBM, {name}": LGBMRegressor(objective=name, **LIGHT) for name in ("regression", "poisson", "tweedie", "mape", "quantile")},
    "LightGBM, square root": LGBMRegressor(reg_sqrt=True, **LIGHT),
    **{f"XGBoost, {name}": XGBRegressor(objective=name, **EXTREME) for name in ("reg:squarederror", "count:poisson", "reg:tweedie")},
    **{f"CatBoost, {name}": CatBoostRegressor(loss_function=name, **CAT) for name in ("RMSE", "MAE", "Poisson")},
    "histograms": HistGradientBoostingRegressor(max_iter=25),
    "histograms, Poisson": HistGradientBoostingRegressor(max_iter=25, loss="poisson"),
}
WITH_CATEGORIES: dict[str, Any] = {
    "LightGBM": LGBMClassifier(categorical_feature=list(CATEGORIES), min_data_per_group=1, cat_smooth=1, **LIGHT),
    "XGBoost": XGBClassifier(enable_categorical=True, feature_types=KINDS, max_cat_to_onehot=1, **EXTREME),
    "XGBoost, one by one": XGBClassifier(enable_categorical=True, feature_types=KINDS, max_cat_to_onehot=50, **EXTREME),
    "histograms": HistGradientBoostingClassifier(max_iter=25, categorical_features=list(reversed(CATEGORIES))),
}


def made(classes: int, seed: int = 1) -> tuple[Matrix, npt.NDArray[Any]]:
    """Rows with gaps, zeros and two columns of whole numbers, and labels 0, 1, ... that depend on them, or numbers above 0."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(ROWS, WIDTH)).round(3)
    rows[random.random(rows.shape) < 0.05] = 0.0
    for place, count in zip(CATEGORIES, (30, 4), strict=True):
        rows[:, place] = random.integers(0, count, ROWS)
    score = rows[:, 0] + rows[:, 1] * rows[:, 3] + (rows[:, 2] % 3 == 0) + 0.5 * (rows[:, 5] == 2) + random.normal(0, 0.4, ROWS)
    rows[random.random(rows.shape) < 0.08] = np.nan
    labels = np.exp(score / 3) if not classes else np.searchsorted(np.quantile(score, np.arange(1, classes) / classes), score)
    return rows, labels


def at_borders(trees: TreeTable, rows: Matrix, strangers: bool = True) -> Matrix:
    """Return rows with one cell on a threshold or next to it, in the type that cells are compared in and in float64, and with gaps."""
    random, kind = np.random.default_rng(2), trees.threshold.dtype
    inner = np.flatnonzero(~trees.leaf & (trees.chosen < 0))
    drawn, parts = random.choice(inner, 1500), [rows]
    exact = trees.threshold[drawn]
    near = [exact, *(np.nextafter(exact, kind.type(end)) for end in (np.inf, -np.inf)), np.nextafter(exact.astype(float), np.inf)]
    for values in near:
        moved = rows[random.integers(len(rows), size=len(drawn))]
        moved[np.arange(len(drawn)), trees.feature[drawn]] = values
        parts.append(moved[np.isfinite(moved).sum(axis=1) + np.isnan(moved).sum(axis=1) == WIDTH])
    gaps = rows.copy()
    gaps[random.random(gaps.shape) < 0.3] = np.nan
    unknown = rows.copy()
    unknown[:, list(CATEGORIES)] = random.integers(-2, 50, size=(len(rows), len(CATEGORIES)))
    return np.concatenate([*parts, gaps, *([unknown] if strangers else [])])


def walked(trees: TreeTable) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(bin_graph(trees), options)


def compared(estimator: Any, classes: int, strangers: bool = True) -> None:
    rows, labels = made(classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # LightGBM's about names that nobody gave
        estimator.fit(rows, labels)
        trees = ensemble_of(estimator)
        assert trees is not None
        asked = at_borders(trees, rows, strangers)
        expected = estimator.predict_proba(asked) if classes else estimator.predict(asked).reshape(-1, 1)
        answered = np.asarray(estimator.predict(asked)).ravel()
    received = TreeEnsemble(trees).answers(asked)
    rounding = 1e-14 if expected.dtype == np.float64 else 2e-7  # of the exponential in the last step; the sums before it are equal

    assert fits_table(trees)
    assert np.abs(received - expected).max() <= rounding * max(1.0, np.abs(expected).max())
    if classes:
        assert (estimator.classes_[received.argmax(axis=1)] == answered).all()
    assert (TreeEnsemble(trees, walked(trees)).answers(asked) == received).all()
    assert all((TreeEnsemble(trees).answers(asked[place : place + 1])[0] == received[place]).all() for place in range(0, len(asked), 700))


@pytest.mark.parametrize("name", TWO)
def test_two_classes(name: str) -> None:
    compared(TWO[name], 2)


@pytest.mark.parametrize("name", THREE)
def test_three_classes(name: str) -> None:
    compared(THREE[name], 3)


@pytest.mark.parametrize("name", NUMBER)
def test_a_number(name: str) -> None:
    compared(NUMBER[name], 0)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", WITH_CATEGORIES)
def test_categories_that_the_library_splits_itself(name: str, classes: int) -> None:
    trees = ensemble_of(WITH_CATEGORIES[name].fit(*made(classes)))

    assert trees is not None
    assert len(trees.ends)
    compared(WITH_CATEGORIES[name], classes, strangers=not name.startswith("XGBoost"))  # XGBoost refuses a code that it has not seen


def test_a_model_that_stopped_early_answers_with_its_best_round() -> None:
    rows, labels = made(2)
    model = XGBClassifier(n_estimators=200, early_stopping_rounds=3, n_jobs=1).fit(
        rows[:800], labels[:800], eval_set=[(rows[800:], labels[800:])], verbose=False
    )

    trees = ensemble_of(model)

    assert trees is not None
    assert len(trees.first) == model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    assert np.abs(TreeEnsemble(trees).answers(rows) - model.predict_proba(rows)).max() < 2e-7


def test_trees_of_one_leaf_answer_with_where_they_begin() -> None:
    rows, labels = made(2)
    model = LGBMClassifier(n_estimators=3, min_child_samples=ROWS, verbose=-1).fit(rows, labels)
    trees = ensemble_of(model)

    assert trees is not None
    assert np.abs(TreeEnsemble(trees).answers(rows[:9]) - model.predict_proba(rows[:9])).max() < 1e-15


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (LGBMRegressor(linear_tree=True, **LIGHT), "linear_tree=True"),
        (XGBRegressor(booster="gblinear", n_jobs=1), "booster 'gblinear'"),
        (XGBRegressor(missing=0.0, **EXTREME), "missing=0.0"),
        (CatBoostRegressor(grow_policy="Depthwise", **CAT), "grow_policy 'Depthwise'"),
    ],
)
def test_what_the_engine_cannot_express_is_refused_by_name(estimator: Any, reason: str) -> None:
    rows, labels = made(0)
    fitted = estimator.fit(np.nan_to_num(rows), labels)

    with pytest.raises(CannotCompileError, match=reason):
        ensemble_of(fitted)
