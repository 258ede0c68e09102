"""Dates and times: every engine answers them as the measured model does, and MLflow's model takes the same texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from skops.io import dumps, get_untrusted_types, loads

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
from slipway.spec import Columns, Date, ModelSpec, Numeric, Preparation, Target
from slipway.training.pipelines import PREPARATION_STEP, build
from tests.support.specs import classifier_spec

FEATURES = {
    "age": Numeric(0, 120, "years", "Age", missing=True),
    "admitted": Date("Admission", parts=("year", "month", "weekday", "hour"), since="referred", time=True),
    "referred": Date("Referral", parts=(), missing=True),
    "born": Date("Birth", parts=("month",), since="1950-01-01"),
    "seen": Date("Last visit", parts=("weekday",), since="born", missing=True),
    "left": Date("Left the ward", parts=(), since="2025-01-01", time=True, missing=True),
}
ESTIMATORS: dict[str, tuple[BaseEstimator, Preparation, str]] = {
    "logistic regression": (LogisticRegression(max_iter=3_000), Preparation(), "linear"),
    "logistic regression, no indicator": (LogisticRegression(max_iter=3_000), Preparation(missing="mean", indicator=False), "linear"),
    "forest, native": (RandomForestClassifier(30, random_state=1), Preparation(scale=False, missing="native"), "trees"),
    "boosting": (GradientBoostingClassifier(n_estimators=30, random_state=1), Preparation(scale=False), "boosting"),
}


def spec_of(estimator: BaseEstimator = LogisticRegression(max_iter=3_000), preparation: Preparation = Preparation()) -> ModelSpec:  # noqa: B008
    columns = Columns(FEATURES, Target("ill", {0: "well", 1: "ill"}, positive=1))
    return classifier_spec("dates", columns, estimator, preparation=preparation)


def rows_with_dates(count: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)

    def texts(days: Any, unit: str, share: float = 0.0) -> pd.Series[Any]:
        found = pd.Series(np.datetime_as_string(np.array(days).astype(f"datetime64[{unit}]")), dtype="str")
        return found.where(random.random(count) >= share)

    admitted = random.integers(1_600_000_000, 1_760_000_000, count)
    born = random.integers(-20_000, 12_000, count)
    return pd.DataFrame(
        {
            "age": pd.Series(random.integers(18, 95, count).astype(float)).where(random.random(count) >= 0.2),
            "admitted": texts(admitted, "s"),
            "referred": texts(admitted // 86_400 - random.integers(0, 90, count), "D", 0.2),
            "born": texts(born, "D"),
            "seen": texts(born + random.integers(7_000, 8_000, count), "D", 0.3),
            "left": texts(admitted + random.integers(0, 10**7, count), "s", 0.1),
        }
    )


def labels_of(rows: pd.DataFrame) -> pd.Series:
    admitted = pd.to_datetime(rows["admitted"])
    waited = (admitted - pd.to_datetime(rows["referred"])).dt.days.fillna(45)
    score = waited / 30 + (admitted.dt.weekday > 4) + (admitted.dt.hour < 8) + rows["seen"].isna() + admitted.dt.month / 12
    score += np.random.default_rng(9).normal(0, 0.5, len(rows))
    return (score > score.median()).astype(int)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_engine_answers_dates_as_the_measured_model_does(name: str, tmp_path: Path) -> None:
    estimator, preparation, engine = ESTIMATORS[name]
    spec = spec_of(estimator, preparation)
    learnt, asked = rows_with_dates(600, 1), rows_with_dates(400, 2)
    pipeline = build(spec, {}).fit(learnt, labels_of(learnt))

    compiled = compile_model(spec, pipeline)
    contract = Contract(
        format=1, model="dates", registered_as="dates", version=1, run_id="run", engine=compiled.engine, description="",
        columns=contract_columns(spec), target="ill", classes=(0, 1), class_meanings=("well", "ill"), positive=1,
        threshold=None, data_sha256="", sample=False, metrics={}, mlflow_version="", created_at="",
    )  # fmt: skip
    probe = Probe(rows_of(asked.head(20), contract.columns), [0] * 20, [[1.0, 0.0]] * 20)
    bundle = write(tmp_path / "bundle", compiled.files, contract, probe)
    opened = open_engine(bundle)

    assert compiled.engine == engine
    assert prove_rows("dates", pipeline, opened, contract, asked) < 1e-6
    border = border_rows(pipeline, contract, asked)
    assert len(border) > 20
    assert prove_rows("dates at the border", pipeline, opened, contract, border) < 1e-6
    few = columns_of(asked.head(3), contract.columns)
    assert np.allclose(opened.probabilities(few), pipeline.predict_proba(asked.head(3)), atol=1e-6)
    assert bundle.contract.columns[1].time
    assert bundle.probe.rows == probe.rows


def test_the_numbers_of_dates_are_the_calendars_and_the_same_bit_by_bit() -> None:
    spec = spec_of(preparation=Preparation(scale=False, indicator=False))
    learnt, asked = rows_with_dates(300, 1), rows_with_dates(200, 2)
    pipeline = build(spec, {}).fit(learnt, labels_of(learnt))

    matrix = pipeline.named_steps[PREPARATION_STEP].transform(asked)
    described = Preparer(describe_preparation(FittedPipeline(pipeline, None)))

    times = {name: pd.to_datetime(asked[name]) for name in ("admitted", "referred", "born")}
    waited = (times["admitted"] - times["referred"]).dt.total_seconds() / 86_400
    expected = [
        times["admitted"].dt.year - 1970,
        times["admitted"].dt.month,
        times["admitted"].dt.weekday,
        times["admitted"].dt.hour,
        waited.fillna(waited.median()),
        times["born"].dt.month,
        (times["born"] - pd.Timestamp("1950-01-01")).dt.days,
    ]
    known = asked["referred"].notna().to_numpy()  # a missing one becomes the median of other rows, those of the training
    assert np.allclose(matrix[known, 1:8], np.column_stack(expected)[known], rtol=1e-12, atol=0)
    assert (described.matrix(columns_of(asked, contract_columns(spec))) == matrix).all()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_pipeline_with_dates_is_stored_without_a_pickle(name: str) -> None:
    estimator, preparation, _ = ESTIMATORS[name]
    learnt = rows_with_dates(200, 1)
    pipeline = build(spec_of(estimator, preparation), {}).fit(learnt, labels_of(learnt))

    content = dumps(pipeline)

    assert set(get_untrusted_types(data=content)) <= set(ALLOWED)
    assert (loads(content, trusted=list(ALLOWED)).predict_proba(learnt) == pipeline.predict_proba(learnt)).all()


def test_null_of_a_caller_of_mlflow_is_a_missing_date() -> None:
    learnt, asked = rows_with_dates(300, 1), rows_with_dates(50, 2)
    spec = spec_of()
    pipeline = build(spec, {}).fit(learnt, labels_of(learnt))
    as_objects = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns_of(asked, contract_columns(spec)).items()})

    assert as_objects["seen"].isna().any()
    assert (pipeline.predict_proba(as_objects.assign(age=asked["age"])) == pipeline.predict_proba(asked)).all()


def test_a_column_of_dates_may_have_nothing_but_gaps() -> None:
    learnt = rows_with_dates(200, 1).assign(seen=pd.Series([None] * 200, dtype="str"))

    pipeline = build(spec_of(), {}).fit(learnt, labels_of(learnt))

    assert np.isfinite(pipeline.predict_proba(rows_with_dates(50, 2))).all()
