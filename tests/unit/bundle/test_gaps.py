"""Missing cells, unknown categories and booleans: every engine answers them as the measured model does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from optuna.distributions import CategoricalDistribution
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from skops.io import dumps, get_untrusted_types, loads
from xgboost import XGBClassifier

from slipway.bundle.borders import border_rows, prove_rows
from slipway.bundle.cells import columns_of, rows_of
from slipway.bundle.compiling import compile_model, contract_columns
from slipway.bundle.contract import Contract, Probe
from slipway.bundle.engine import open_engine
from slipway.bundle.trusted_types import ALLOWED
from slipway.bundle.writing import write
from slipway.errors import SpecError
from slipway.spec import (
    Boolean,
    Category,
    Columns,
    Difference,
    Lookup,
    ModelSpec,
    Numeric,
    Preparation,
    Ratio,
    Target,
    WeightedMean,
)
from slipway.training.pipelines import build
from tests.support.specs import classifier_spec

FEATURES = {
    "age": Numeric(0, 120, "years", "Age", integer=True, missing=True),
    "dose": Numeric(unit="mg", description="Dose, without limits"),
    "before": Numeric(0, 1000, "cells", "Count before", missing=True),
    "after": Numeric(0, 1000, "cells", "Count after"),
    "glucose": Numeric(0, 300, "mg/dl", "Glucose; 0 = not measured", zero_is_missing=True, missing=True),
    "ward": Numeric(1, 4, "", "Ward", integer=True, nominal=True, missing=True),
    "smoker": Boolean("Whether the patient smokes", missing=True),
    "urban": Boolean("Whether the patient lives in a town"),
    "colour": Category(("red", "green", "blue"), "Colour", missing=True),
    "province": Category(("Sevilla", "Huelva"), "Province", other=True),
    "pain": Category(("none", "mild", "severe"), "Pain", missing=True, other=True, ordered=True),
    "stage": Category(("I", "II", "III"), "Stage", ordered=True),
}
DERIVED = {
    "grown": Difference("after", "before"),
    "mean": WeightedMean({"age": 0.5, "glucose": 0.5}),
    "change": Ratio("before", "after"),
    "glucose by age": Ratio("glucose", "age"),
    "smokers": WeightedMean({"smoker": 1.0, "urban": 1.0}),
    "inhabitants": Lookup("province", {"Sevilla": 1_950_000, "Huelva": 530_000, "Cádiz": 1_250_000}),
    "beds": Lookup("ward", {4: 12, 1: 30.5, 2: None, 3: 20}, instead=True),
}
NATIVE = Preparation(scale=False, missing="native")
ESTIMATORS: dict[str, tuple[BaseEstimator, Preparation, str]] = {
    "logistic regression": (LogisticRegression(max_iter=2_000), Preparation(), "linear"),
    "logistic regression, zeros imputed": (LogisticRegression(max_iter=2_000), Preparation(zeros="impute", missing="mean"), "linear"),
    "logistic regression, no indicator": (LogisticRegression(max_iter=2_000), Preparation(indicator=False), "linear"),
    "forest": (RandomForestClassifier(30, random_state=1), Preparation(scale=False), "trees"),
    "forest, native": (RandomForestClassifier(30, random_state=1), Preparation(scale=False, missing="native"), "trees"),
    "extra trees, native, scaled": (ExtraTreesClassifier(30, random_state=1), Preparation(missing="native"), "trees"),
    "tree, native": (DecisionTreeClassifier(max_depth=6, random_state=1), Preparation(scale=False, missing="native"), "trees"),
    "boosting": (GradientBoostingClassifier(n_estimators=30, random_state=1), Preparation(scale=False), "boosting"),
    "LightGBM": (LGBMClassifier(n_estimators=30, verbose=-1, n_jobs=1), NATIVE, "ensemble"),
    "LightGBM, no gaps": (LGBMClassifier(n_estimators=30, verbose=-1, n_jobs=1), Preparation(), "ensemble"),
    "XGBoost": (XGBClassifier(n_estimators=30, n_jobs=1), NATIVE, "ensemble"),
    "CatBoost": (CatBoostClassifier(iterations=30, verbose=0, allow_writing_files=False), NATIVE, "ensemble"),
    "histograms": (HistGradientBoostingClassifier(max_iter=30), NATIVE, "ensemble"),
    "support vectors": (CalibratedClassifierCV(SVC(), ensemble=False), Preparation(), "svm"),
}


def spec_of(estimator: BaseEstimator, preparation: Preparation = Preparation(), **changes: Any) -> ModelSpec:  # noqa: B008
    columns = Columns(FEATURES, Target("ill", {0: "well", 1: "ill"}, positive=1), derived=DERIVED)
    return classifier_spec("gaps", **({"columns": columns, "estimator": estimator, "preparation": preparation} | changes))


def rows_with_gaps(count: int, seed: int) -> pd.DataFrame:
    """Validated rows: numbers with NaN, categories with None, a province that the list does not have."""
    random = np.random.default_rng(seed)

    def gaps(cells: Any, share: float = 0.15) -> Any:
        return pd.Series(cells).where(random.random(count) >= share)

    return pd.DataFrame(
        {
            "age": gaps(random.integers(18, 95, count).astype(float)),
            "dose": random.normal(0, 1, count).round(2),
            "before": gaps(random.integers(0, 1000, count).astype(float)),
            "after": random.integers(0, 1000, count).astype(float),
            "glucose": gaps(np.where(random.random(count) < 0.2, 0.0, random.normal(120, 30, count).round(1).clip(50, 300))),
            "ward": gaps(random.integers(1, 5, count).astype(float)),
            "smoker": gaps(random.integers(0, 2, count).astype(float), 0.3),
            "urban": random.random(count) < 0.5,
            "colour": gaps(random.choice(["red", "green", "blue"], count), 0.2),
            "province": random.choice(["Sevilla", "Huelva", "Cádiz", "Lugo"], count),
            "pain": gaps(random.choice(["none", "mild", "severe", "?"], count), 0.2),
            "stage": random.choice(["III", "I", "II"], count),
        }
    )


def labels_of(rows: pd.DataFrame) -> pd.Series:
    score = rows["age"].fillna(90) / 40 + rows["dose"] + (rows["after"] - rows["before"].fillna(0)) / 400 + rows["smoker"].fillna(0.4)
    score += (rows["colour"] == "red") + 0.7 * rows["colour"].isna() + (rows["province"] == "Cádiz") + 0.5 * rows["urban"]
    score += rows["pain"].map({"none": 0.0, "mild": 0.5, "severe": 1.0}).fillna(0.7) + rows["stage"].map({"I": 0.0, "II": 0.6, "III": 1.0})
    score += np.random.default_rng(9).normal(0, 0.5, len(rows))
    return (score > score.median()).astype(int)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_engine_answers_rows_with_gaps_as_the_measured_model_does(name: str, tmp_path: Path):
    estimator, preparation, engine = ESTIMATORS[name]
    spec = spec_of(estimator, preparation)
    learnt, asked = rows_with_gaps(600, 1), rows_with_gaps(400, 2)
    pipeline = build(spec, {}).fit(learnt, labels_of(learnt))

    compiled = compile_model(spec, pipeline)
    contract = Contract(
        format=1, model="gaps", registered_as="gaps", version=1, run_id="run", engine=compiled.engine, description="",
        columns=contract_columns(spec), target="ill", classes=(0, 1), class_meanings=("well", "ill"), positive=1,
        threshold=None, data_sha256="", sample=False, metrics={}, mlflow_version="", created_at="",
    )  # fmt: skip
    probe = Probe(rows_of(asked.head(20), contract.columns), [0] * 20, [[1.0, 0.0]] * 20)
    bundle = write(tmp_path / "bundle", compiled.files, contract, probe)
    opened = open_engine(bundle)

    assert compiled.engine == engine
    assert prove_rows("gaps", pipeline, opened, contract, asked) < 1e-6
    border = border_rows(pipeline, contract, asked)
    assert len(border) > 50
    assert prove_rows("gaps at the border", pipeline, opened, contract, border) < 1e-6
    few = columns_of(asked.head(3), contract.columns)  # the quick way of one row
    assert np.allclose(opened.probabilities(few), pipeline.predict_proba(asked.head(3)), atol=1e-6)
    assert bundle.probe.rows == probe.rows  # null is written and read


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if not name.startswith(("LightGBM", "XGBoost", "CatBoost"))])
def test_every_pipeline_is_stored_without_a_pickle(name: str):
    estimator, preparation, _ = ESTIMATORS[name]
    learnt = rows_with_gaps(200, 1)
    pipeline = build(spec_of(estimator, preparation), {}).fit(learnt, labels_of(learnt))

    content = dumps(pipeline)

    assert set(get_untrusted_types(data=content)) <= set(ALLOWED)
    again = loads(content, trusted=list(ALLOWED))
    assert (again.predict_proba(learnt) == pipeline.predict_proba(learnt)).all()


def test_null_of_a_caller_of_mlflow_is_the_gap_of_the_training_rows():
    learnt, asked = rows_with_gaps(300, 1), rows_with_gaps(50, 2)
    spec = spec_of(LogisticRegression(max_iter=2_000))
    pipeline = build(spec, {}).fit(learnt, labels_of(learnt))
    cells = columns_of(asked, contract_columns(spec))  # None, True and False: MLflow turns the numbers among them into floats
    as_json = asked.assign(**{name: pd.Series(cells[name], dtype=object) for name in ("smoker", "urban", "colour")})

    assert as_json["smoker"].isin([True, False]).any()
    assert as_json["colour"].isna().any()
    assert np.allclose(pipeline.predict_proba(as_json), pipeline.predict_proba(asked), atol=0)


def test_an_ordered_category_is_one_number_that_grows_with_its_place() -> None:
    spec = spec_of(DecisionTreeClassifier(), Preparation(scale=False, missing="mean", indicator=False))
    learnt, asked = rows_with_gaps(300, 1), rows_with_gaps(4, 2).assign(stage=["I", "III", "II", "I"], pain=["severe", "?", None, "mild"])
    pipeline = build(spec, {}).fit(learnt, labels_of(learnt))

    preparation = pipeline.named_steps["preparation"]
    places = {name: part.start for name, part in preparation.output_indices_.items()}
    matrix = preparation.transform(asked)

    mean = learnt["pain"].map({"none": 0, "mild": 1, "severe": 2}).mean()
    assert matrix[:, places["rank stage"]].tolist() == [0, 2, 1, 0]
    assert np.allclose(matrix[:, places["rank pain"]], [2, mean, mean, 1])


def test_a_column_may_have_nothing_but_gaps():
    learnt = rows_with_gaps(200, 1).assign(age=np.nan, colour=None)

    pipeline = build(spec_of(LogisticRegression(max_iter=2_000)), {}).fit(learnt, labels_of(learnt))

    assert np.isfinite(pipeline.predict_proba(rows_with_gaps(50, 2))).all()


@pytest.mark.parametrize(
    ("estimator", "changes", "message"),
    [
        (LogisticRegression(), {"preparation": Preparation(missing="native")}, "LogisticRegression takes no missing cells"),
        (
            GradientBoostingClassifier(),
            {"search_space": {"preparation.missing": CategoricalDistribution(["median", "native"])}},
            "GradientBoostingClassifier takes no missing cells",
        ),
        (
            LogisticRegression(),
            {"search_space": {"preparation.missing": CategoricalDistribution(["median", "mode"])}},
            "preparation.missing='mode' is not one of",
        ),
    ],
)
def test_what_cannot_be_true_is_refused_when_the_file_is_read(estimator: BaseEstimator, changes: dict[str, Any], message: str):
    with pytest.raises(SpecError, match=message):
        spec_of(estimator, **changes)


def test_an_empty_text_cannot_be_a_value_and_a_gap():
    with pytest.raises(SpecError, match="an empty text is a missing cell"):
        Category(("", "red"), "Colour", missing=True)
