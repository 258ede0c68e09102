"""Families of models, which engine serves each, and how near its answers are: tests prove each line, and docs/families.md shows them.

python -m tests.support.families    # writes the page
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

PAGE = Path(__file__).parents[2] / "docs" / "families.md"
BITWISE, NOISE = 0.0, 1e-12  # the answers are the same bits; or other but for the noise of float64
AMPLIFIED = 1e-9  # noise that steep curves make larger


@dataclass(frozen=True)
class ModelFamily:
    """A family, the engine that serves it, and the most that an answer differs by. `classifier` and `regressor` are examples, unfitted."""

    classifier: Any
    regressor: Any
    engine: str
    most: float


def _few(number: int = 8, **options: Any) -> RandomForestClassifier:
    return RandomForestClassifier(number, max_depth=5, random_state=1, **options)


def _members() -> list[tuple[str, Any]]:
    return [("forest", _few()), ("linear", LogisticRegression()), ("histogram", HistGradientBoostingClassifier(max_iter=5))]


def _numbers() -> list[tuple[str, Any]]:
    return [
        ("forest", RandomForestRegressor(8, random_state=1)),
        ("linear", Ridge()),
        ("histogram", HistGradientBoostingRegressor(max_iter=5)),
    ]


FAMILIES: Mapping[str, ModelFamily] = {
    "logistic and linear regression": ModelFamily(LogisticRegression(), Ridge(), "linear", NOISE),
    "decision tree": ModelFamily(DecisionTreeClassifier(max_depth=5), DecisionTreeRegressor(max_depth=5), "trees", BITWISE),
    "random forest, extra trees": ModelFamily(_few(), RandomForestRegressor(8, random_state=1), "trees", BITWISE),
    "GradientBoosting": ModelFamily(
        GradientBoostingClassifier(n_estimators=8), GradientBoostingRegressor(n_estimators=8), "boosting", NOISE
    ),
    "HistGradientBoosting": ModelFamily(
        HistGradientBoostingClassifier(max_iter=8), HistGradientBoostingRegressor(max_iter=8), "ensemble", NOISE
    ),
    "LightGBM": ModelFamily(
        LGBMClassifier(n_estimators=8, verbose=-1, n_jobs=1), LGBMRegressor(n_estimators=8, verbose=-1, n_jobs=1), "ensemble", NOISE
    ),
    "XGBoost": ModelFamily(XGBClassifier(n_estimators=8, n_jobs=1), XGBRegressor(n_estimators=8, n_jobs=1), "ensemble", AMPLIFIED),
    "CatBoost": ModelFamily(
        CatBoostClassifier(iterations=8, verbose=0, allow_writing_files=False, thread_count=1),
        CatBoostRegressor(iterations=8, verbose=0, allow_writing_files=False, thread_count=1),
        "ensemble",
        NOISE,
    ),
    "calibrated SVC (rbf, sigmoid, ensemble=False)": ModelFamily(CalibratedClassifierCV(SVC(), ensemble=False), None, "svm", NOISE),
    "calibrated, by sigmoids": ModelFamily(CalibratedClassifierCV(_few(), cv=3), None, "composed", NOISE),
    "calibrated, isotonic": ModelFamily(CalibratedClassifierCV(GaussianNB(), method="isotonic", cv=3), None, "composed", AMPLIFIED),
    "calibrated, by temperature": ModelFamily(CalibratedClassifierCV(LinearSVC(), method="temperature", cv=3), None, "composed", NOISE),
    "support vectors, other kernels": ModelFamily(
        CalibratedClassifierCV(NuSVC(kernel="poly", nu=0.3), cv=2), SVR(kernel="sigmoid"), "composed", AMPLIFIED
    ),
    "voting": ModelFamily(VotingClassifier(_members(), voting="soft", weights=[1, 2, 3]), VotingRegressor(_numbers()), "composed", NOISE),
    "stacking": ModelFamily(
        StackingClassifier([*_members(), ("margin", SVC())], cv=2, passthrough=True),
        StackingRegressor(_numbers(), Ridge(), cv=2),
        "composed",
        AMPLIFIED,
    ),
    "stacking under a forest": ModelFamily(
        StackingClassifier(_members()[:2], final_estimator=_few(), cv=2),
        StackingRegressor(_numbers()[:2], final_estimator=RandomForestRegressor(8, random_state=1), cv=2),
        "composed",
        BITWISE,
    ),
    "bagging of trees": ModelFamily(
        BaggingClassifier(n_estimators=7, max_features=0.7, random_state=1),
        BaggingRegressor(n_estimators=7, max_features=0.7, random_state=1),
        "composed",
        BITWISE,
    ),
    "bagging of others": ModelFamily(
        BaggingClassifier(LogisticRegression(), n_estimators=4, max_features=0.7, random_state=1),
        BaggingRegressor(Ridge(), n_estimators=4, random_state=1),
        "composed",
        NOISE,
    ),
    "AdaBoost of trees": ModelFamily(
        AdaBoostClassifier(n_estimators=12, random_state=1), AdaBoostRegressor(n_estimators=12, random_state=1), "composed", NOISE
    ),
    "AdaBoost of others": ModelFamily(
        AdaBoostClassifier(LogisticRegression(), n_estimators=4),
        AdaBoostRegressor(Ridge(), n_estimators=4, random_state=1),
        "composed",
        NOISE,
    ),
    "nearest neighbours": ModelFamily(KNeighborsClassifier(4), KNeighborsRegressor(4), "composed", BITWISE),
    "nearest neighbours, by distance": ModelFamily(
        KNeighborsClassifier(5, weights="distance", p=1), KNeighborsRegressor(5, weights="distance", p=1), "composed", NOISE
    ),
    "nearest neighbours without a tree": ModelFamily(
        KNeighborsClassifier(6, algorithm="brute"), KNeighborsRegressor(6, algorithm="brute"), "composed", BITWISE
    ),
    "networks of dense layers (MLP)": ModelFamily(
        MLPClassifier((6, 4), max_iter=60, random_state=1),
        MLPRegressor(hidden_layer_sizes=(6,), activation="tanh", max_iter=60, random_state=1),
        "composed",
        NOISE,
    ),
    "GaussianNB": ModelFamily(GaussianNB(), None, "composed", NOISE),
    "BernoulliNB": ModelFamily(BernoulliNB(), None, "composed", NOISE),
    "MultinomialNB": ModelFamily(make_pipeline(MinMaxScaler(clip=True), MultinomialNB()), None, "composed", NOISE),
    "ComplementNB": ModelFamily(make_pipeline(MinMaxScaler(clip=True), ComplementNB()), None, "composed", NOISE),
    "CategoricalNB": ModelFamily(
        make_pipeline(MinMaxScaler((0, 4.5), clip=True), CategoricalNB(min_categories=5)), None, "composed", NOISE
    ),
    "linear discriminants": ModelFamily(LinearDiscriminantAnalysis(), None, "composed", NOISE),
    "quadratic discriminants": ModelFamily(QuadraticDiscriminantAnalysis(reg_param=0.1), None, "composed", NOISE),
    "a pipeline inside": ModelFamily(
        make_pipeline(StandardScaler(), PCA(3), LogisticRegression()), make_pipeline(StandardScaler(), PCA(3), Ridge()), "composed", NOISE
    ),
    "what no engine can express": ModelFamily(LabelSpreading(), None, "pyfunc", BITWISE),
}


def page() -> str:
    """The page that says which engine serves which family."""
    words = {BITWISE: "none, bit by bit", NOISE: "1e-12", AMPLIFIED: "1e-9"}
    rows = [
        f"| {name} | {'classes' if each.regressor is None else 'classes, numbers'} | `{each.engine}` | {words[each.most]} |"
        for name, each in FAMILIES.items()
    ]
    return "\n".join([HEAD, *rows, FOOT])


HEAD = """# Families of models

For people who choose an estimator for a model's file. This page says which engine serves which family, and how near its answers are to
those of the measured model. A release repeats the comparison for the model at hand, and registers nothing that answers otherwise.

The table is written from `tests/support/families.py`. For every line, a test fits the family on two and on three classes, and on a number
if it has one. It then compares the answers on rows that were not learnt from, and on rows made to lie at the model's own borders. No label
differs, and no probability or number differs by more than the last column says.

| family | answers | engine | largest difference |
|---|---|---|---|"""

FOOT = """
What is inside voting, stacking, bagging, AdaBoost or calibration may be any of these, also such a composition again, or a pipeline of one's
own. Its steps may be `StandardScaler`, `MinMaxScaler`, `MaxAbsScaler`, `RobustScaler`, `SimpleImputer`, `PCA`, or a choice of columns such
as `SelectKBest`. The pipeline of a version that was [adopted](adopting.md) may have them between its ColumnTransformer and its estimator.

The engine `pyfunc` is the scikit-learn pipeline itself. It serves what no engine can express, and what an engine does not answer exactly.
Its gateway takes seconds to start and some 200 MB more, and tens of milliseconds a row; the log of a release says so. So it is with:

- neighbours by other metrics than the euclidean and the manhattan one, with `algorithm="ball_tree"`, or among more than 128 MB of rows;
- AdaBoost, bagging or voting of an estimator that is not in the table;
- texts: see [kinds of columns](kinds.md#texts).

A version answers the most probable class. An estimator whose labels follow another rule, such as `SVC(probability=True)`, is refused;
inside voting or bagging it is welcome, because there only its probabilities count. See
[decision 0055](decisions/0055-compositions.md).
"""


if __name__ == "__main__":
    PAGE.write_text(page())
