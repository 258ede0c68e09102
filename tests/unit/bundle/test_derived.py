"""Ratios and lookups: the numbers that a model sees, in every engine, and the declarations that are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from skops.io import dumps, get_untrusted_types

from slipway.bundle.borders import border_rows, prove_rows
from slipway.bundle.cells import columns_of, rows_of
from slipway.bundle.compiling import compile_model, contract_columns
from slipway.bundle.compiling.compiled import FittedPipeline
from slipway.bundle.compiling.preparation import describe_preparation
from slipway.bundle.contract import Contract, Probe
from slipway.bundle.engine import open_engine
from slipway.bundle.engines.preparation import Preparer
from slipway.bundle.trusted_types import ALLOWED
from slipway.bundle.writing import write
from slipway.errors import CannotCompileError, SpecError
from slipway.spec import (
    Boolean,
    Category,
    Columns,
    Derived,
    Difference,
    Feature,
    Lookup,
    ModelSpec,
    Numeric,
    Preparation,
    Ratio,
    Target,
)
from slipway.training.pipelines import PREPARATION_STEP, build
from tests.support.specs import classifier_spec

CASES, BEDS = Numeric(0, 1000, "", "Cases", integer=True), Numeric(0, 50, "", "Beds", integer=True, missing=True)
STAFF = Numeric(1, 40, "", "Staff")
PROVINCE, WARD = Category(("Sevilla", "Huelva"), "Province"), Numeric(1, 3, "", "Ward", integer=True, nominal=True)
FEATURES: dict[str, Feature] = {
    "cases": CASES,
    "beds": BEDS,
    "staff": STAFF,
    "urgent": Boolean("Urgent", missing=True),
    "province": PROVINCE,
    "ward": WARD,
}
DERIVED: dict[str, Derived] = {
    "a bed": Ratio("cases", "beds"),
    "a person": Ratio("cases", "staff"),
    "urgent cases": Ratio("urgent", "cases"),
    "inhabitants": Lookup("province", {"Huelva": 530_000, "Sevilla": 1_950_000}, instead=True),
    "floor": Lookup("ward", {3: 0, 1: 2.5, 2: None}),
    "more urgent": Difference("urgent", "cases"),
}


def spec_of(estimator: BaseEstimator, preparation: Preparation, derived: dict[str, Derived], features: dict[str, Feature]) -> ModelSpec:
    columns = Columns(features, Target("full", {0: "no", 1: "yes"}, positive=1), derived=derived)
    return classifier_spec("derived", columns, estimator, preparation=preparation)


def wards(count: int, seed: int) -> pd.DataFrame:
    """Validated rows: no beds in some of them, and no number of beds in others."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "cases": random.integers(0, 1000, count) * (random.random(count) < 0.9),
            "beds": pd.Series(random.integers(0, 6, count).astype(float)).where(random.random(count) >= 0.1),
            "staff": random.integers(4, 160, count) / 4,
            "urgent": pd.Series(random.integers(0, 2, count).astype(float)).where(random.random(count) >= 0.2),
            "province": random.choice(["Huelva", "Sevilla"], count),
            "ward": random.integers(1, 4, count),
        }
    )


def labels_of(rows: pd.DataFrame) -> pd.Series:
    score = (rows["cases"] / rows["beds"].replace(0, 1).fillna(3)).clip(upper=400) / 200 + rows["cases"] / rows["staff"] / 100
    score += (
        (rows["province"] == "Sevilla") + rows["ward"].map({1: 0.0, 2: 1.0, 3: 0.5}) + np.random.default_rng(9).normal(0, 0.3, len(rows))
    )
    return (score > score.median()).astype(int)


ESTIMATORS: dict[str, tuple[BaseEstimator, Preparation, str]] = {
    "logistic regression": (LogisticRegression(max_iter=3_000), Preparation(), "linear"),
    "tree, native": (DecisionTreeClassifier(max_depth=6, random_state=1), Preparation(scale=False, missing="native"), "trees"),
    "histogram, native": (HistGradientBoostingClassifier(max_iter=20, random_state=1), Preparation(missing="native"), "ensemble"),
    "perceptron": (MLPClassifier((8,), max_iter=60, tol=1, random_state=1), Preparation(), "composed"),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_engine_answers_derived_columns_as_the_measured_model_does(name: str, tmp_path: Path) -> None:
    estimator, preparation, engine = ESTIMATORS[name]
    spec = spec_of(estimator, preparation, DERIVED, FEATURES)
    learnt, asked = wards(600, 1), wards(400, 2)
    pipeline = build(spec, {}).fit(learnt, labels_of(learnt))

    compiled = compile_model(spec, pipeline)
    contract = contract_of(spec, compiled.engine)
    probe = Probe(rows_of(asked.head(20), contract.columns), [0] * 20, [[1.0, 0.0]] * 20)
    opened = open_engine(write(tmp_path / "bundle", compiled.files, contract, probe))

    assert compiled.engine == engine
    assert prove_rows("derived", pipeline, opened, contract, asked) < 1e-6
    border = border_rows(pipeline, contract, asked)
    assert len(border) > 20
    assert prove_rows("derived, at the border", pipeline, opened, contract, border) < 1e-6
    others = [name for name in get_untrusted_types(data=dumps(pipeline)) if not name.startswith("sklearn.neural_network")]
    assert set(others) <= set(ALLOWED)


def test_one_row_of_a_linear_model_is_answered_by_look_ups_alone(tmp_path: Path) -> None:
    """A linear engine adds up the cells of few rows one by one; a lookup is such a cell, and a ratio is not."""
    derived = {name: DERIVED[name] for name in ("inhabitants", "floor")}
    spec = spec_of(LogisticRegression(max_iter=3_000), Preparation(), derived, FEATURES)
    learnt, asked = wards(600, 1), wards(100, 2)
    pipeline = build(spec, {}).fit(learnt, labels_of(learnt))
    compiled = compile_model(spec, pipeline)
    contract = contract_of(spec, compiled.engine)
    opened = open_engine(write(tmp_path / "bundle", compiled.files, contract, Probe([], [], [])))

    one_by_one = [opened.probabilities(columns_of(asked.iloc[[row]], contract.columns))[0] for row in range(len(asked))]

    assert np.allclose(one_by_one, pipeline.predict_proba(asked), rtol=0, atol=1e-12)


def test_a_ratio_is_missing_where_its_denominator_is_zero_or_missing_and_a_lookup_where_its_table_has_none() -> None:
    spec = spec_of(DecisionTreeClassifier(), Preparation(scale=False, missing="native"), DERIVED, FEATURES)
    learnt, asked = wards(300, 1), wards(200, 2)
    pipeline = build(spec, {}).fit(learnt, labels_of(learnt))

    preparation = pipeline.named_steps[PREPARATION_STEP]
    matrix, places = preparation.transform(asked), {name: part.start for name, part in preparation.output_indices_.items()}
    described = Preparer(describe_preparation(FittedPipeline(pipeline, None))).matrix(columns_of(asked, contract_columns(spec)))

    beds = asked["beds"].where(asked["beds"] != 0)
    expected = {
        "a bed": asked["cases"] * (1 / beds),
        "a person": asked["cases"] * (1 / asked["staff"]),
        "urgent cases": asked["urgent"] * (1 / asked["cases"].where(asked["cases"] != 0)),
        "inhabitants": asked["province"].map({"Huelva": 530_000.0, "Sevilla": 1_950_000.0}),
        "floor": asked["ward"].map({1: 2.5, 3: 0.0}),
        "more urgent": asked["urgent"] - asked["cases"],
    }
    assert (asked["beds"] == 0).any()
    assert asked["beds"].isna().any()
    for name, numbers in expected.items():
        assert np.array_equal(matrix[:, places[name]], numbers.to_numpy(dtype=float), equal_nan=True), name
    assert np.array_equal(described, matrix, equal_nan=True)
    assert not any(list(columns) == ["province"] and name == "categories" for name, _, columns in preparation.transformers_)


def test_what_is_missing_in_a_derived_column_is_replaced_and_marked() -> None:
    derived = {"a bed": DERIVED["a bed"]}
    spec = spec_of(DecisionTreeClassifier(), Preparation(scale=False), derived, {"cases": CASES, "beds": BEDS})
    learnt = wards(300, 1)
    preparation = build(spec, {}).fit(learnt, labels_of(learnt)).named_steps[PREPARATION_STEP]
    places = {name: part.start for name, part in preparation.output_indices_.items()}

    matrix = preparation.transform(pd.DataFrame({"cases": [10, 10, 10], "beds": [0.0, np.nan, 4.0]}))

    median = (learnt["cases"] * (1 / learnt["beds"].where(learnt["beds"] != 0))).median()
    assert matrix[:, places["a bed"]].tolist() == [median, median, 2.5]
    assert matrix[:, places["a bed, missing"]].tolist() == [1, 1, 0]


def test_a_ratio_by_almost_nothing_is_a_number_that_every_engine_can_hold() -> None:
    features: dict[str, Feature] = {"a": Numeric(), "b": Numeric()}
    spec = spec_of(DecisionTreeClassifier(random_state=1), Preparation(scale=False), {"ratio": Ratio("a", "b")}, features)
    random = np.random.default_rng(1)
    learnt = pd.DataFrame({"a": random.normal(size=100), "b": random.normal(size=100)})
    pipeline = build(spec, {}).fit(learnt, (learnt["a"] > learnt["b"]).astype(int))
    asked = pd.DataFrame({"a": [1e38, -1e38, 1.0], "b": [1e-300, 1e-300, 1e-60]})

    described = Preparer(describe_preparation(FittedPipeline(pipeline, None))).matrix(asked.to_dict("list"))

    largest = float(np.finfo(np.float32).max)
    assert described[:, 2].tolist() == [largest, -largest, largest]
    with np.errstate(over="ignore"):
        assert np.array_equal(described, pipeline.named_steps[PREPARATION_STEP].transform(asked))
        assert pipeline.predict(asked).shape == (3,)


@pytest.mark.parametrize(
    ("derived", "message"),
    [
        (lambda: {"rate": Ratio("cases", "province")}, r"rate is derived from \['province'\], which are neither numeric nor boolean"),
        (lambda: {"rate": Ratio("cases", "ward")}, r"rate is derived from \['ward'\], which are nominal"),
        (lambda: {"rate": Ratio("cases", "cases")}, "rate divides 'cases' by itself"),
        (lambda: {"people": Lookup("cases", {1: 2.0})}, "people looks up 'cases', which is neither a category nor a nominal number"),
        (lambda: {"people": Lookup("town", {"x": 2.0})}, "people looks up 'town', which is neither"),
        (
            lambda: {"people": Lookup("province", {"Huelva": 1.0})},
            "people: the table has no number for 'Sevilla' of 'province'; add it, or",
        ),
        (
            lambda: {"people": Lookup("province", {"Huelva": 1.0, "Sevilla": 2.0, "Sevila": 2.0})},
            "people: the table has 'Sevila', which is no value of 'province'",
        ),
        (lambda: {"floor": Lookup("ward", {"1": 1, "2": 1, "3": 1})}, "floor: the table has no number for 1 of 'ward'"),
        (lambda: {"floor": Lookup("ward", {1: 1, 2: 1, 3: 1, 4: 1})}, "floor: the table has 4, which is no value of 'ward'"),
        (lambda: {"floor": Lookup("ward", {1: None})}, "the table for 'ward' has no number"),
        (lambda: {"floor": Lookup("ward", {1: 1, 2: float("inf")})}, "expected a number or None for 2, received inf"),
        (lambda: {"floor": Lookup("ward", {1: True})}, r"Lookup: table\[1\]=True is a boolean; expected a number or None"),
    ],
)
def test_a_derived_column_that_cannot_be_is_refused(derived: Callable[[], dict[str, Derived]], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Columns(FEATURES, Target("full", {0: "no", 1: "yes"}, positive=1), derived=derived())


def test_a_ratio_that_may_be_missing_is_refused_for_an_estimator_that_takes_no_gaps() -> None:
    features: dict[str, Feature] = {"cases": CASES, "staff": STAFF}

    with pytest.raises(SpecError, match=r"LogisticRegression takes no missing cells.*A ratio is missing where 'cases' is 0\."):
        spec_of(LogisticRegression(), Preparation(missing="native"), {"rate": Ratio("staff", "cases")}, features)
    spec_of(LogisticRegression(), Preparation(missing="native"), {"rate": Ratio("cases", "staff")}, features)  # staff is at least 1


@pytest.mark.parametrize(
    "parts",
    [
        [("one", "passthrough", ["cases"]), ("other", FunctionTransformer(np.reciprocal), ["staff"])],
        [("one", FunctionTransformer(np.asarray, kw_args={"dtype": "float64"}), ["cases"]), ("other", StandardScaler(), ["staff"])],
    ],
)
def test_another_transformer_of_two_columns_is_refused_by_name(parts: list[Any]) -> None:
    rows = wards(50, 1)[["cases", "staff"]]
    inner = make_pipeline(ColumnTransformer(parts), FunctionTransformer(np.prod, kw_args={"axis": 1, "keepdims": True}))
    fitted = make_pipeline(ColumnTransformer([("strange", inner, ["cases", "staff"])]), DecisionTreeClassifier())

    with pytest.raises(CannotCompileError, match="'strange', a ColumnTransformer: expected a numerator and the reciprocal"):
        describe_preparation(FittedPipeline(fitted.fit(rows, np.arange(50) % 2), None))


def contract_of(spec: ModelSpec, engine: str) -> Contract:
    return Contract(
        format=1, model="derived", registered_as="derived", version=1, run_id="run", engine=engine, description="",
        columns=contract_columns(spec), target="full", classes=(0, 1), class_meanings=("no", "yes"), positive=1,
        threshold=None, data_sha256="", sample=False, metrics={}, mlflow_version="", created_at="",
    )  # fmt: skip
