"""A category of thousands of values stays small: sparse from the pipeline to the engine, or refused with the way out."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier

from slipway.bundle.borders import border_rows, prove_rows
from slipway.bundle.cells import columns_of, rows_of
from slipway.bundle.compiling import compile_model, contract_columns
from slipway.bundle.contract import Contract, Probe, of_output
from slipway.bundle.engine import Engine, open_engine
from slipway.bundle.writing import write
from slipway.errors import SlipwayError
from slipway.spec import Category, Columns, Dataset, Gate, ModelSpec, Numeric, Preparation, Quantity, Split, Target
from slipway.training.measuring import measure
from slipway.training.pipelines import build
from slipway.training.search.tuning import tune
from slipway.training.splitting import split
from slipway.training.width import WIDE, is_sparse, one_hot_width, require_room

VALUES, ROWS = 2_000, 3_000
TOWNS = tuple(f"town {number}" for number in range(VALUES))
FEATURES = {
    "age": Numeric(0, 120, "years", "Age", missing=True),
    "town": Category(TOWNS, "Town", missing=True, other=True),
    "plan": Category(("a", "b", "c"), "Plan"),
}
ILL = Target("ill", {0: "well", 1: "ill"}, positive=1)
COST = Quantity("ill", "EUR", "Cost")


def spec_of(estimator: BaseEstimator, target: Target | Quantity = ILL, **changes: Any) -> ModelSpec:
    given: dict[str, Any] = {"search_space": {}, "metric": "accuracy", "gate": Gate(0.5), "preparation": Preparation()}
    if isinstance(target, Quantity):
        given |= {"metric": "mean_absolute_error", "gate": Gate(9.0)}
    return ModelSpec(
        name="towns",
        registered_as="towns",
        description="A category of many values.",
        dataset=Dataset("towns.csv", "0" * 64, "towns.csv"),
        columns=Columns(FEATURES, target),
        split=Split(0.25, 1, stratify=target is ILL),
        estimator=estimator,
        folds=2,
        port=8_100,
        **(given | changes),
    )


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    random = np.random.default_rng(4)
    town = random.integers(0, VALUES + 50, ROWS)  # fifty of them are not listed
    effect = random.normal(0, 1, VALUES + 50)
    ages = pd.Series(random.integers(18, 90, ROWS).astype(float)).where(random.random(ROWS) > 0.1)
    names = pd.Series([f"town {number}" for number in town]).where(random.random(ROWS) > 0.1)
    score = effect[town] + ages.fillna(50) / 30 + random.normal(0, 0.5, ROWS)
    return pd.DataFrame(
        {"age": ages, "town": names, "plan": random.choice(["a", "b", "c"], ROWS), "ill": (score > score.median()).astype(int)}
    )


def opened(spec: ModelSpec, pipeline: Any, rows: pd.DataFrame, folder: Path) -> tuple[Engine, Contract]:
    """The engine of a bundle that was written and read."""
    compiled = compile_model(spec, pipeline)
    reach = 1.0 if isinstance(spec.columns.target, Quantity) else None
    contract = Contract(
        format=1, model="towns", registered_as="towns", version=1, run_id="run", engine=compiled.engine, description="",
        columns=contract_columns(spec), target="ill", data_sha256="", sample=False, metrics={}, mlflow_version="", created_at="",
        **of_output(spec.problem.output(None, reach)),
    )  # fmt: skip
    probe = Probe(rows_of(rows.head(5)[spec.columns.names], contract.columns), [0] * 5, [[1.0, 0.0]] * 5)
    return open_engine(write(folder / "bundle", compiled.files, contract, probe)), contract


ESTIMATORS = {
    "linear": LogisticRegression(max_iter=500),
    "trees": RandomForestClassifier(10, max_depth=12, random_state=1),
    "one tree": DecisionTreeClassifier(max_depth=12, random_state=1),
    "boosting": GradientBoostingClassifier(n_estimators=5, random_state=1),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*ESTIMATORS, "linear, of a number"])
def test_rows_are_sparse_and_the_engine_answers_as_the_measured_model_does_in_little_memory(name: str, rows: pd.DataFrame, tmp_path: Path):
    spec = spec_of(ESTIMATORS[name]) if name in ESTIMATORS else spec_of(Ridge(), COST)
    features, dense = rows[spec.columns.names], 8 * ROWS * VALUES
    pipeline = build(spec, {}).fit(features, rows["ill"])

    matrix = pipeline[0].transform(features)
    engine, contract = opened(spec, pipeline, rows, tmp_path)
    asked = columns_of(features, contract.columns)
    tracemalloc.start()
    engine.probabilities(asked)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert issparse(matrix)
    assert matrix.shape == (ROWS, VALUES + 3 + 2)  # the age, and whether it is missing
    assert prove_rows("towns", pipeline, engine, contract, features) < 1e-6
    few = features.head(3)
    assert prove_rows("a few towns", pipeline, engine, contract, few) < 1e-6
    assert prove_rows("at the border", pipeline, engine, contract, border_rows(pipeline, contract, features.head(300))) < 1e-6
    assert most < dense / (10 if "linear" in name else 1)  # a graph of trees takes its rows in parts of 8 MB


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "space"),
    [
        (LogisticRegression(max_iter=300), {"C": FloatDistribution(0.1, 10, log=True)}),
        (ExtraTreesClassifier(max_depth=8), {"n_estimators": IntDistribution(5, 15, step=5)}),  # whose trees are shared by trials
    ],
)
def test_it_is_tuned_and_measured_as_any_model_with_its_baselines(
    estimator: Any, space: dict[str, Any], rows: pd.DataFrame, tmp_path: Path
):
    spec = spec_of(estimator, search_space=space, baseline=HistGradientBoostingClassifier(max_iter=3))
    parts = split(spec, rows)

    tuned = tune(spec, parts, "0" * 64, 3, tmp_path)
    measured = measure(spec, parts, tuned)

    assert measured.metrics["accuracy"] > measured.baselines["most_frequent"]["accuracy"]
    assert set(measured.baselines) == {"most_frequent", "reference"}


def test_a_few_values_and_estimators_without_sparse_rows_are_as_before():
    narrow = Columns(FEATURES | {"town": Category(TOWNS[:WIDE], "Town")}, ILL)
    wide = Columns(FEATURES, ILL)

    assert one_hot_width(wide) == VALUES + 3
    assert is_sparse(wide, Preparation(), LogisticRegression())
    assert not is_sparse(replace_plan(narrow), Preparation(), LogisticRegression())
    assert not is_sparse(wide, Preparation(), HistGradientBoostingClassifier())
    assert not is_sparse(wide, Preparation(missing="native"), DecisionTreeClassifier())  # sparse rows cannot say that a cell is missing


def replace_plan(columns: Columns) -> Columns:
    return Columns({name: kind for name, kind in columns.features.items() if name != "plan"}, columns.target)


def test_rows_that_would_be_too_wide_with_every_zero_are_refused_with_the_way_out():
    with pytest.raises(SlipwayError, match=r"towns: 1,000,000 rows with 2,003 columns .*2,000 of them for town take 16\.0 GB.*other=True"):
        require_room(spec_of(HistGradientBoostingClassifier()), 1_000_000)
    require_room(spec_of(HistGradientBoostingClassifier()), 100_000)
    require_room(spec_of(LogisticRegression()), 1_000_000)
