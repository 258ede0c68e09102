"""A scikit-learn pipeline as the estimator: transformers of one's own, from the search to the stored model."""

from __future__ import annotations

from dataclasses import replace
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import Birch
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectKBest, f_classif, mutual_info_classif
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, PolynomialFeatures, QuantileTransformer, SplineTransformer
from sklearn.utils import all_estimators
from skops.io import dumps, loads

from slipway.bundle.borders import border_rows, prove_rows
from slipway.bundle.cells import columns_of, rows_of
from slipway.bundle.compiling import compile_after_failed_proof, compile_model, contract_columns
from slipway.bundle.contract import Contract, Probe, with_engine
from slipway.bundle.engine import open_engine
from slipway.bundle.trusted_types import ALLOWED, other_types
from slipway.bundle.writing import write
from slipway.errors import ParityError, SpecError, UnstorableEstimatorError
from slipway.problems.estimators import is_plain, takes_missing_cells
from slipway.spec import Columns, ModelSpec, Numeric, Preparation, Target
from slipway.training.pipelines import MODEL_STEP, build, require_storable
from slipway.training.search.tuning import study_name, tune
from slipway.training.splitting import Rows, split

ESTIMATORS: dict[str, BaseEstimator] = {
    "components": make_pipeline(PCA(3), LogisticRegression(max_iter=1_000)),
    "the best columns": make_pipeline(SelectKBest(f_classif, k=3), LogisticRegression(max_iter=1_000)),
    "the most informative columns": make_pipeline(SelectKBest(mutual_info_classif, k=3), LogisticRegression(max_iter=1_000)),
    "products": make_pipeline(PolynomialFeatures(2, include_bias=False), LogisticRegression(max_iter=1_000)),
    "quantiles": make_pipeline(QuantileTransformer(n_quantiles=50, output_distribution="normal"), LogisticRegression(max_iter=1_000)),
    "splines": make_pipeline(SplineTransformer(4), LogisticRegression(max_iter=1_000)),
    "bins": make_pipeline(KBinsDiscretizer(4, encode="onehot-dense", strategy="uniform"), RandomForestClassifier(10)),
    "components of a forest": make_pipeline(PCA(3), RandomForestClassifier(10)),
    "a function of numpy": make_pipeline(FunctionTransformer(np.average, kw_args={"axis": 1, "keepdims": True}), LogisticRegression()),
}


@pytest.fixture
def spec(toy: ModelSpec) -> ModelSpec:
    features = {**toy.columns.features, "length": Numeric(0, 500, "cm", "Length"), "age": Numeric(0, 50, "years", "Age")}
    return replace(toy, columns=Columns(features, toy.columns.target), search_space={})


def rows_of_toys(count: int, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    found = pd.DataFrame(
        {
            "size": random.integers(0, 100, count),
            "weight": random.random(count) * 5,
            "colour": random.choice(["red", "blue"], count),
            "length": random.random(count) * 500,
            "age": random.random(count) * 50,
        }
    )
    score = found["size"] / 50 + found["weight"] - found["age"] / 10 + random.normal(0, 0.4, count)
    return found.assign(wanted=(score > score.median()).astype(int))


def contract_of(spec: ModelSpec, engine: Any) -> Contract:
    return Contract(
        format=1, model="toy", registered_as="toy", version=1, run_id="run", engine=engine, description="",
        columns=contract_columns(spec), target="wanted", classes=(0, 1), class_meanings=("left", "wanted"), positive=1,
        threshold=None, data_sha256="", sample=False, metrics={}, mlflow_version="", created_at="",
    )  # fmt: skip


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_transformer_before_the_estimator_is_stored_and_answered_as_it_was_measured(name: str, spec: ModelSpec, tmp_path: Path) -> None:
    spec = replace(spec, estimator=ESTIMATORS[name])
    learnt, asked = rows_of_toys(300), rows_of_toys(200, seed=2)
    require_storable(spec)
    pipeline = build(spec, {}).fit(learnt, learnt["wanted"])

    compiled = compile_model(spec, pipeline)
    contract = contract_of(spec, compiled.engine)
    probe = Probe(rows_of(asked.head(5), contract.columns), [0] * 5, [[1.0, 0.0]] * 5)
    opened = open_engine(write(tmp_path / "bundle", compiled.files, contract, probe))
    border = border_rows(pipeline, contract, asked)
    try:
        prove_rows("toy", pipeline, opened, contract, asked)
        prove_rows("toy", pipeline, opened, contract, border)
    except ParityError as error:  # a graph in float32 is not exact for every transformer: a release then takes the pipeline itself
        compiled = compile_after_failed_proof(spec, pipeline, compiled, error)
        opened = open_engine(write(tmp_path / "whole", compiled.files, with_engine(contract, compiled.engine), probe))

    assert len(border) > 10
    assert np.allclose(opened.probabilities(columns_of(asked, contract.columns)), pipeline.predict_proba(asked), atol=1e-6, rtol=0)
    content = dumps(pipeline)
    assert other_types(content) == []
    assert (loads(content, trusted=list(ALLOWED)).predict_proba(asked) == pipeline.predict_proba(asked)).all()


def test_the_search_tunes_every_step_by_its_name(spec: ModelSpec, tmp_path: Path) -> None:
    spec = replace(
        spec,
        estimator=make_pipeline(PCA(), LogisticRegression()),
        search_space={"pca__n_components": IntDistribution(1, 4), "logisticregression__C": FloatDistribution(0.1, 10, log=True)},
        trials=4,
    )

    tuned = tune(spec, split(spec, rows_of_toys(200)), "0" * 64, 4, tmp_path)
    built = build(spec, tuned.parameters).named_steps[MODEL_STEP]

    assert set(tuned.parameters) == {"pca__n_components", "logisticregression__C"}
    assert built.named_steps["pca"].n_components == tuned.parameters["pca__n_components"]
    assert tuned.score > 0.5


def test_every_step_that_draws_by_chance_gets_the_seed(spec: ModelSpec) -> None:
    spec = replace(spec, estimator=make_pipeline(PCA(2, svd_solver="randomized"), RandomForestClassifier(5)))
    learnt = rows_of_toys(100)

    one, other = (build(spec, {}).fit(learnt, learnt["wanted"]).predict_proba(learnt) for _ in range(2))

    steps = build(spec, {}).named_steps[MODEL_STEP].named_steps
    assert (steps["pca"].random_state, steps["randomforestclassifier"].random_state) == (1, 1)
    assert (one == other).all()


def test_studies_of_long_pipelines_that_differ_in_the_middle_have_different_names(spec: ModelSpec) -> None:
    def long(columns: int) -> ModelSpec:
        steps = [PCA(whiten=True, svd_solver="full", tol=0.001, iterated_power=7, n_oversamples=20) for _ in range(6)]
        middle = SelectKBest(f_classif, k=columns)
        return replace(spec, estimator=make_pipeline(*steps, middle, *steps, LogisticRegression(C=2.0, max_iter=900, tol=1e-5)))

    assert repr(long(2).estimator) == repr(long(3).estimator)
    assert study_name(long(2), "0" * 64) != study_name(long(3), "0" * 64)


class Stranger(TransformerMixin, BaseEstimator):
    """A transformer of a model's own file."""

    def fit(self, rows: Any, labels: Any = None) -> Stranger:
        return self

    def transform(self, rows: Any) -> Any:
        return rows


def parameters_of(declared: type) -> list[Parameter]:
    return [one for one in signature(declared).parameters.values() if one.kind is not Parameter.VAR_KEYWORD]


def doubled(rows: Any) -> Any:
    return 2 * rows


@pytest.mark.parametrize(
    ("transformer", "name"),
    [
        (Stranger(), r"test_pipelines\.Stranger"),
        (FunctionTransformer(doubled), r"test_pipelines\.doubled"),
        (FunctionTransformer(lambda rows: rows), r"<lambda>"),
    ],
)
def test_what_could_not_be_stored_is_refused_before_the_search(spec: ModelSpec, transformer: Any, name: str) -> None:
    with pytest.raises(
        UnstorableEstimatorError,
        match=rf"toy: a stored version would contain \S*{name}\. .*write trusted=\(\"\S*{name}\",\) into toy\.py.*use another estimator\.",
    ):
        require_storable(replace(spec, estimator=make_pipeline(transformer, LogisticRegression())))


def test_what_skops_does_not_write_is_refused_before_the_search(spec: ModelSpec) -> None:
    with pytest.raises(UnstorableEstimatorError, match="toy: the estimator cannot be stored by skops: Objects of type Birch are not"):
        require_storable(replace(spec, estimator=make_pipeline(Birch(), LogisticRegression())))


def test_skops_stores_each_estimator_that_is_plain() -> None:
    needs_nothing = [declared for _, declared in all_estimators() if all(one.default is not one.empty for one in parameters_of(declared))]
    plain = [estimator for estimator in (declared() for declared in needs_nothing) if is_plain(estimator)]

    assert len(plain) > 150
    assert [repr(estimator) for estimator in plain if other_types(dumps(estimator))] == []
    assert not is_plain(FunctionTransformer(doubled))
    assert not is_plain([GaussianProcessClassifier(RBF())])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"estimator": make_pipeline(PCA(), LogisticRegression()), "search_space": {"n_components": IntDistribution(1, 4)}},
            r"Pipeline has no parameter \['n_components'\].*In a pipeline they are named after their step: pca__n_components\.",
        ),
        (
            {"estimator": make_pipeline(LogisticRegression(), PCA())},
            "Pipeline (is of the kind 'transformer'|has no predict_proba|gives no prob)",
        ),
        (
            {
                "estimator": make_pipeline(PCA(), HistGradientBoostingClassifier()),
                "columns": Columns({"size": Numeric(missing=True)}, Target("wanted", {0: "left", 1: "wanted"}, positive=1)),
                "preparation": Preparation(missing="native"),
            },
            "Pipeline takes no missing cells",
        ),
    ],
)
def test_a_pipeline_that_cannot_work_is_refused_when_the_file_is_read(toy: ModelSpec, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(toy, **({"search_space": {}} | changes))


def test_a_pipeline_whose_every_step_knows_missing_cells_gets_them() -> None:
    assert takes_missing_cells(make_pipeline(QuantileTransformer(), HistGradientBoostingClassifier()))
    assert takes_missing_cells(make_pipeline("passthrough", HistGradientBoostingClassifier()))
    assert not takes_missing_cells(make_pipeline(PCA(), HistGradientBoostingClassifier()))
    assert not takes_missing_cells(make_pipeline(QuantileTransformer(), LogisticRegression()))


def test_a_choice_of_transformers_may_be_searched(spec: ModelSpec, tmp_path: Path) -> None:
    space = {"polynomialfeatures__interaction_only": CategoricalDistribution([True, False])}
    spec = replace(spec, estimator=make_pipeline(PolynomialFeatures(), LogisticRegression(max_iter=500)), search_space=space, search="grid")
    rows: Rows = split(spec, rows_of_toys(150))

    assert set(tune(spec, rows, "0" * 64, 2, tmp_path).parameters) == set(space)
