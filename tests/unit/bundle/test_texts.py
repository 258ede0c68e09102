"""Texts: the endpoint's engine, a stored model and a search answer them as the measured model does, sparse or dense."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import IntDistribution
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from skops.io import dumps, get_untrusted_types, loads

from slipway.bundle.borders import border_rows, prove_rows
from slipway.bundle.cells import columns_of, rows_of
from slipway.bundle.compiling import compile_model, contract_columns
from slipway.bundle.contract import Contract, Probe
from slipway.bundle.engine import open_engine
from slipway.bundle.trusted_types import ALLOWED
from slipway.bundle.writing import write
from slipway.errors import SpecError
from slipway.gateway.bodies import mlflow, predictions
from slipway.gateway.bodies.refusing import check
from slipway.problems.estimators import takes_sparse_rows
from slipway.spec import Category, Columns, ModelSpec, Numeric, Preparation, Target, Text
from slipway.training.measuring import score_baselines
from slipway.training.networks import ConvolutionalNetwork
from slipway.training.pipelines import MODEL_STEP, PREPARATION_STEP, build
from slipway.training.search.trials import Objective
from slipway.training.splitting import split
from tests.support.specs import classifier_spec

WORDS = ["dolor", "fiebre", "tos", "niño", "café", "leve", "grave", "ayer", "hoy", "ninguno", "alta", "control", "sangre", "herida"]
WIDTH = 64
ESTIMATORS: dict[str, tuple[BaseEstimator, Preparation, bool]] = {
    "logistic regression": (LogisticRegression(max_iter=2_000), Preparation(), True),
    "forest": (RandomForestClassifier(20), Preparation(scale=False), True),
    "forest, native": (RandomForestClassifier(20), Preparation(scale=False, missing="native"), False),
    "bayes": (GaussianNB(), Preparation(), False),
    "components, then bayes": (make_pipeline(TruncatedSVD(20), GaussianNB()), Preparation(), True),
}


def spec_of(estimator: BaseEstimator = LogisticRegression(), preparation: Preparation = Preparation(), width: int = WIDTH) -> ModelSpec:  # noqa: B008
    features = {
        "age": Numeric(0, 120, "years", "Age", missing=True),
        "note": Text("Note of the ward", width=width, missing=True),
        "sex": Category(("F", "M"), "Sex"),
        "reason": Text("Reason of the visit", width=width),
    }
    columns = Columns(features, Target("ill", {0: "well", 1: "ill"}, positive=1))
    return classifier_spec("texts", columns, estimator, preparation=preparation)


def rows_with_texts(count: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)

    def texts(most: int) -> pd.Series[Any]:
        return pd.Series([" ".join(random.choice(WORDS, size=1 + random.integers(most))) for _ in range(count)], dtype="str")

    note, reason = texts(12), texts(4)
    score = note.str.count("grave") + 2 * reason.str.count("sangre") - note.str.count("leve") + random.normal(0, 0.3, count)
    return pd.DataFrame(
        {
            "age": pd.Series(random.integers(18, 95, count).astype(float)).where(random.random(count) >= 0.2),
            "note": note.where(random.random(count) >= 0.2),
            "sex": pd.Series(random.choice(["F", "M"], count), dtype="str"),
            "reason": reason,
            "ill": (score > score.median()).astype(int),
        }
    )


def contract_of(spec: ModelSpec) -> Contract:
    return Contract(
        format=1, model="texts", registered_as="texts", version=1, run_id="run", engine="pyfunc", description="",
        columns=contract_columns(spec), target="ill", classes=(0, 1), class_meanings=("well", "ill"), positive=1,
        threshold=None, data_sha256="", sample=False, metrics={}, mlflow_version="", created_at="",
    )  # fmt: skip


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_engine_answers_texts_as_the_measured_model_does_and_rows_stay_sparse_where_the_estimator_takes_them(
    name: str, tmp_path: Path
) -> None:
    estimator, preparation, sparse = ESTIMATORS[name]
    spec = spec_of(estimator, preparation)
    learnt, asked = rows_with_texts(400, 1), rows_with_texts(100, 2)
    pipeline = build(spec, {}).fit(learnt, learnt["ill"])

    compiled, contract = compile_model(spec, pipeline), contract_of(spec)
    probe = Probe(rows_of(asked.head(20), contract.columns), [0] * 20, [[1.0, 0.0]] * 20)
    bundle = write(tmp_path / "bundle", compiled.files, contract, probe)
    opened = open_engine(bundle)

    assert issparse(pipeline.named_steps[PREPARATION_STEP].transform(asked)) is sparse
    assert compiled.engine == "pyfunc"
    assert (opened.probabilities(columns_of(asked, contract.columns)) == pipeline.predict_proba(asked)).all()
    assert prove_rows("texts at the border", pipeline, opened, contract, border_rows(pipeline, contract, asked)) == 0
    assert (pipeline.predict(asked) == asked["ill"]).mean() > 0.6
    assert bundle.contract.columns[1] == contract.columns[1]
    assert bundle.probe.rows == probe.rows


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_pipeline_with_texts_is_stored_without_a_pickle(name: str) -> None:
    estimator, preparation, _ = ESTIMATORS[name]
    learnt = rows_with_texts(200, 1)
    pipeline = build(spec_of(estimator, preparation), {}).fit(learnt, learnt["ill"])

    content = dumps(pipeline)

    assert set(get_untrusted_types(data=content)) <= set(ALLOWED)
    assert (loads(content, trusted=list(ALLOWED)).predict_proba(learnt) == pipeline.predict_proba(learnt)).all()


def test_null_an_empty_text_and_a_key_that_is_left_out_are_the_same_in_every_body(tmp_path: Path) -> None:
    spec = spec_of()
    learnt = rows_with_texts(300, 1)
    pipeline, contract = build(spec, {}).fit(learnt, learnt["ill"]), contract_of(spec)
    bundle = write(tmp_path / "bundle", compile_model(spec, pipeline).files, contract, Probe([], [], []))
    engine, row = open_engine(bundle), '"age": 40, "sex": "F", "reason": "dolor, grave: ayer"'

    bodies = [
        predictions.decode("application/json", f'{{"row": {{{row}{note}}}}}'.encode(), contract)[0]
        for note in (', "note": null', ', "note": ""', ', "note": "  \\n "', "")
    ]
    bodies.append(mlflow.decode("text/csv", b'age,note,sex,reason\n40,,F,"dolor, grave: ayer"\n', contract))
    bodies.append(mlflow.decode("application/json", f'{{"dataframe_records": [{{{row}, "note": null}}]}}'.encode(), contract))
    checked = [check(body, contract) for body in bodies]

    assert [list(cells["note"]) for cells in checked] == [[None]] * 6
    expected = pipeline.predict_proba(pd.DataFrame([{"age": 40.0, "note": np.nan, "sex": "F", "reason": "dolor, grave: ayer"}]))
    assert all((engine.probabilities(cells) == expected).all() for cells in checked)
    as_mlflow_passes_it = pd.DataFrame([{"age": 40.0, "note": None, "sex": "F", "reason": "dolor, grave: ayer"}])
    assert (pipeline.predict_proba(as_mlflow_passes_it) == expected).all()


def test_histogram_boosting_gets_every_cell_and_missing_numbers_as_they_are() -> None:
    learnt = rows_with_texts(200, 1)

    pipeline = build(spec_of(HistGradientBoostingClassifier(max_iter=5), Preparation(missing="native")), {}).fit(learnt, learnt["ill"])
    cells = pipeline.named_steps[PREPARATION_STEP].transform(learnt)

    assert not issparse(cells)
    assert np.isnan(cells).any()
    assert np.isfinite(pipeline.predict_proba(learnt)).all()


def test_a_missing_text_is_a_row_of_zeros_and_a_column_may_have_nothing_else() -> None:
    learnt = rows_with_texts(200, 1).assign(note=pd.Series([None] * 200, dtype="str"))

    pipeline = build(spec_of(), {}).fit(learnt, learnt["ill"])
    words = pipeline.named_steps[PREPARATION_STEP].named_transformers_["text 0"].transform(learnt[["note"]])

    assert words.shape == (200, WIDTH)
    assert words.nnz == 0
    assert np.isfinite(pipeline.predict_proba(rows_with_texts(50, 2))).all()


def test_accents_and_capitals_make_no_other_word() -> None:
    learnt = rows_with_texts(200, 1)
    preparation = build(spec_of(), {}).fit(learnt, learnt["ill"]).named_steps[PREPARATION_STEP]
    written = [learnt.head(1).assign(reason=text) for text in ("El niño toma café", "EL NINO TOMA CAFE", "el nin\u0303o toma cafe\u0301")]

    numbers = [preparation.transform(row).toarray() for row in written]

    assert (numbers[0] == numbers[1]).all()
    assert (numbers[0] == numbers[2]).all()


def test_forests_of_a_search_share_trees_on_sparse_rows_too() -> None:
    made = spec_of(ExtraTreesClassifier(), Preparation(scale=False))
    spec = replace(made, search_space={"n_estimators": IntDistribution(4, 8, step=4)}, metric="roc_auc")
    objective = Objective(spec, split(spec, rows_with_texts(300, 1)))
    shared = [objective.score({"n_estimators": trees}, fold=0) for trees in (4, 8)]

    alone = [Objective(spec, objective.rows).score({"n_estimators": trees}, fold=0) for trees in (4, 8)]
    place = objective._fold({"n_estimators": 4}, (0, ()))
    whole = build(spec, {"n_estimators": 8}).named_steps[MODEL_STEP].fit(place.train, place.train_labels)
    (grown,) = spec.problem.ask_for("roc_auc", whole, place.held_out, [place.truth])

    assert issparse(place.train)
    assert shared == alone
    assert shared[1] == grown.figure("roc_auc")


def test_a_baseline_that_needs_every_cell_gets_it_beside_an_estimator_that_takes_sparse_rows() -> None:
    spec = replace(spec_of(), baseline=GaussianNB())
    tuned: Any = type("Tuned", (), {"parameters": {}, "threshold": None})()

    figures = score_baselines(spec, split(spec, rows_with_texts(300, 1)), tuned)

    assert figures["reference"]["accuracy"] > 0.5
    assert takes_sparse_rows(spec.estimator)
    assert not takes_sparse_rows(spec.baseline)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Text("Note", width=1_000), r"'Note': width=1000 is no power of two from 16 to 262,144, such as 1_024"),
        (lambda: Text("Note", width=2**19), "width=524288 is no power of two"),
        (lambda: Text("Note", longest=0), "longest=0: expected 1 to 100,000 characters"),
        (
            lambda: spec_of(HistGradientBoostingClassifier(), width=4_096),
            "HistGradientBoostingClassifier needs every cell of a row, and the words of note, reason are 8,192 columns; the limit is "
            "4,096. Set a smaller width, or use an estimator that takes sparse rows, such as LogisticRegression or Ridge.",
        ),
        (lambda: replace(spec_of(width=4_096), baseline=GaussianNB()), "GaussianNB needs every cell of a row"),
        (
            lambda: spec_of(RandomForestClassifier(), Preparation(missing="native"), width=4_096),
            'preparation.missing="native" needs every cell of a row.*Set a smaller width, or replace missing cells by "median"',
        ),
        (
            lambda: spec_of(ConvolutionalNetwork()),
            "ConvolutionalNetwork takes no texts: its graph has numbers only. Exclude note, reason, or use",
        ),
    ],
)
def test_a_text_that_cannot_be_is_refused(declare: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        declare()


def test_what_makes_dense_rows_of_sparse_ones_may_come_before_any_estimator() -> None:
    assert spec_of(make_pipeline(TruncatedSVD(5), HistGradientBoostingClassifier()), width=2**14)
    assert takes_sparse_rows(make_pipeline("passthrough", Ridge()))
    assert not takes_sparse_rows(make_pipeline(GaussianNB()))
