"""Every family answers from its engine as the measured model does, and compositions of them; and the proof can fail."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, KernelPCA
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_selection import RFE, SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.metrics.pairwise import linear_kernel
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, RobustScaler, StandardScaler
from sklearn.svm import SVC

from slipway.bundle.compiling import compile_after_failed_proof, compile_model
from slipway.bundle.compiling.composed.registry import composed_files
from slipway.bundle.contract import Probe
from slipway.bundle.engine import open_engine
from slipway.bundle.engines.composed.opening import ROWS
from slipway.bundle.writing import write
from slipway.errors import BundleError, CannotCompileError, ParityError
from slipway.spec import Category, Columns, ModelSpec, Numeric, Quantity, Target
from tests.support.compiled import CompiledModel, bundled
from tests.support.families import FAMILIES, PAGE, ModelFamily, page

pytestmark = pytest.mark.slow

FEATURES = {
    "age": Numeric(0, 120, "years", "Age", integer=True),
    "dose": Numeric(-5, 5, "mg", "Dose"),
    "count": Numeric(0, 1000, "cells", "Count", integer=True),
    "colour": Category(("red", "green", "blue"), "Colour"),
}
TARGETS = {
    "two": Target("ill", {0: "well", 1: "ill"}, positive=1),
    "three": Target("end", {"gone": "", "left": "", "stays": ""}),
    "number": Quantity("level", "mg", "Level", low=-100, high=100),
}
WHOLE = Target("end", {0: "gone", 1: "left", 2: "stays"})  # XGBoost takes no texts
Fit = Callable[..., CompiledModel]


def made(count: int, seed: int) -> pd.DataFrame:
    """Rows that keep the contract; some are equal, so that neighbours are at one distance."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": random.integers(18, 95, count),
            "dose": random.normal(0, 1, count).round(1),
            "count": random.integers(0, 20, count) * 50,
            "colour": random.choice(["red", "green", "blue"], count),
        }
    )


def learnt(rows: pd.DataFrame, kind: str) -> pd.Series:
    """Labels, or numbers, that depend on every column, and on chance."""
    score = rows["age"] / 40 + rows["dose"] + rows["count"] / 400 + (rows["colour"] == "red")
    score += np.random.default_rng(9).normal(0, 0.7, len(rows))
    if kind == "number":
        return score
    classes = list(TARGETS[kind].classes)
    return pd.qcut(score, len(classes), labels=False).map(dict(enumerate(classes)))


def preparation() -> ColumnTransformer:
    encoder = OneHotEncoder(categories=[["red", "green", "blue"]], sparse_output=False)
    return ColumnTransformer([("numbers", StandardScaler(), ["age", "dose", "count"]), ("colours", encoder, ["colour"])])


@pytest.fixture
def fit(toy: ModelSpec, tmp_path: Path) -> Fit:
    """Fit an estimator, compile it and write its bundle."""

    def served(
        estimator: Any,
        kind: str = "two",
        labels: Callable[[pd.Series], pd.Series] = lambda labels: labels,
        around: Callable[[Any], Any] = lambda pipeline: pipeline,
    ) -> CompiledModel:
        rows, target = made(240, seed=1), TARGETS[kind]
        answers = learnt(rows, kind)
        if type(estimator).__name__ == "XGBClassifier" and kind == "three":
            answers, target = answers.map({"gone": 0, "left": 1, "stays": 2}), WHOLE
        metric = {"metric": "mean_absolute_error", "tune_threshold": False} if kind == "number" else {"metric": "accuracy"}
        split = replace(toy.split, stratify=kind != "number")
        spec = replace(toy, columns=Columns(FEATURES, target), estimator=clone(estimator), search_space={}, split=split, **metric)
        model = around(Pipeline([("preparation", preparation()), ("model", clone(estimator))])).fit(rows, labels(answers))
        return bundled(spec, model, compile_model(spec, model), tmp_path / "bundle")

    return served


def with_threshold(pipeline: Any) -> Any:
    return FixedThresholdClassifier(pipeline, threshold=0.3, pos_label=1, response_method="predict_proba")


CASES = [
    pytest.param(family, kind, id=f"{name}, {kind}")
    for name, family in FAMILIES.items()
    for kind in ("two", "three", "number")
    if kind != "number" or family.regressor is not None
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("family", "kind"), CASES)
def test_a_family_answers_as_the_page_says_on_rows_and_at_its_borders(fit: Fit, family: ModelFamily, kind: str) -> None:
    served, rows = fit(family.regressor if kind == "number" else family.classifier, kind), made(120, seed=2)

    assert served.contract.engine == family.engine
    for asked in (rows, served.border(rows)):
        assert len(asked) >= 20
        assert served.prove(asked) <= family.most  # and no label differs
    alone = np.concatenate([served.answers(rows.iloc[[place]]) for place in range(3)])
    assert alone == pytest.approx(served.answers(rows)[:3], rel=1e-14, abs=1e-15 if kind == "number" else 1e-14)


def test_the_page_of_families_is_what_the_tests_prove() -> None:
    assert PAGE.read_text() == page(), "write it again: python -m tests.support.families"


# what is inside a composition


class Unknown(GaussianNB):
    """An estimator whose name is known only by its base."""


class Elsewhere(BaseEstimator):
    """A step from elsewhere."""

    def fit(self, rows: Any, labels: Any = None) -> Elsewhere:
        return self

    def transform(self, rows: Any) -> Any:
        return rows


INSIDE = {
    "compositions in compositions": VotingClassifier(
        [
            ("calibrated", CalibratedClassifierCV(BaggingClassifier(SVC(), 2, random_state=1), method="isotonic", cv=2)),
            ("boosted", AdaBoostClassifier(GaussianNB(), n_estimators=2)),
            ("stacked", StackingClassifier([("ridge", RidgeClassifier()), ("nearest", KNeighborsClassifier(3))], cv=2)),
        ],
        voting="soft",
    ),
    "probabilities of machines": VotingClassifier(
        [("machine", SVC(probability=True, random_state=1)), ("bayes", Unknown())], voting="soft"
    ),
    "votes of labels": BaggingClassifier(SVC(), 3, random_state=1),
    "labels of machines and of stacks": BaggingClassifier(
        StackingClassifier([("machine", SVC()), ("ridge", RidgeClassifier())], stack_method="predict", final_estimator=SVC(), cv=2),
        n_estimators=2,
        random_state=1,
    ),
    "steps of one's own": make_pipeline(SimpleImputer(), RobustScaler(), MaxAbsScaler(), SelectKBest(k=3), KNeighborsClassifier(5, p=1)),
    "a search": GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
    "one against all": VotingClassifier([("sums", SGDClassifier(loss="log_loss", random_state=1)), ("bayes", GaussianNB())], voting="soft"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["two", "three"])
@pytest.mark.parametrize("name", INSIDE)
def test_what_is_inside_a_composition_answers_and_decides_as_there(fit: Fit, name: str, kind: str) -> None:
    served, rows = fit(INSIDE[name], kind), made(120, seed=2)

    assert served.contract.engine == "composed"
    assert served.prove(rows) < 1e-9
    assert served.prove(served.border(rows)) < 1e-9


@pytest.mark.parametrize("last", [LogisticRegression(), RandomForestClassifier(5, random_state=1)], ids=["linear", "forest"])
def test_a_pipeline_that_prepares_its_columns_itself_is_compiled_whole(toy: ModelSpec, tmp_path: Path, last: Any) -> None:
    rows, spec = made(240, seed=1), replace(toy, columns=Columns(FEATURES, TARGETS["two"]))
    passing = ColumnTransformer([("columns", "passthrough", list(FEATURES))], verbose_feature_names_out=False).set_output(
        transform="pandas"
    )
    own = make_pipeline(preparation(), PCA(4, whiten=True), last)
    model = Pipeline([("preparation", passing), ("model", own)]).fit(rows, learnt(rows, "two"))

    served = bundled(spec, model, compile_model(spec, model), tmp_path / "bundle")

    assert served.contract.engine == "composed"
    for asked in (made(120, seed=2), served.border(made(120, seed=2))):
        assert served.prove(asked) < 1e-12


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "estimator", [FAMILIES["networks of dense layers (MLP)"].classifier, SVC(probability=True)], ids=["dense", "machine"]
)
def test_a_threshold_decides_over_the_probabilities(fit: Fit, estimator: Any) -> None:
    served, rows = fit(estimator, around=with_threshold), made(120, seed=2)

    assert (served.contract.engine, served.contract.threshold) == ("composed", 0.3)
    assert served.prove(rows) < 1e-12
    assert served.prove(served.border(rows)) < 1e-12


@pytest.mark.parametrize("algorithm", ["kd_tree", "brute"])
@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("count", [1, 5])
def test_rows_at_one_distance_are_taken_in_the_order_of_scikit_learn(fit: Fit, algorithm: str, weights: str, count: int) -> None:
    shuffled = np.random.default_rng(4)
    served = fit(
        make_pipeline(KNeighborsClassifier(count, algorithm=algorithm, weights=weights)),
        "three",
        labels=lambda labels: labels.sample(frac=1, random_state=shuffled.integers(9)).set_axis(labels.index),
    )
    crowd = made(60, seed=1).assign(dose=0.0, colour="red", age=50)

    assert np.array_equal(served.answers(crowd), served.model.predict_proba(crowd))
    assert np.array_equal(served.answers(crowd.head(1)), served.answers(crowd)[:1])


def test_more_rows_than_are_answered_at_once_have_the_same_answers(fit: Fit) -> None:
    served, rows = fit(FAMILIES["voting"].classifier), made(ROWS + 5, seed=3)

    together = served.answers(rows)

    assert together == pytest.approx(served.model.predict_proba(rows), rel=0, abs=1e-12)
    assert together[-1:] == pytest.approx(served.answers(rows.tail(1)), rel=0, abs=1e-12)


def test_a_forest_too_large_for_a_table_has_a_graph_of_its_own(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.bundle.engines.ensemble.LARGEST", 1_000)
    served, rows = fit(CalibratedClassifierCV(RandomForestClassifier(5, random_state=1), cv=2)), made(120, seed=2)

    assert sorted(served.compiled.files) == ["0.onnx", "2.onnx", "composition.json", "model.npz", "preparation.json"]
    assert served.prove(served.border(rows)) < 1e-12


# what has no engine, and what goes wrong


@pytest.mark.parametrize(
    ("estimator", "why"),
    [
        (KNeighborsClassifier(metric="chebyshev"), "neighbours by metric='chebyshev'"),
        (KNeighborsClassifier(algorithm="ball_tree"), "algorithm='ball_tree'"),
        (make_pipeline(Elsewhere(), GaussianNB()), "Elsewhere has no engine inside a composition"),
        (VotingClassifier([("fewer", RFE(LogisticRegression()))], voting="soft"), "predict_proba of RFE has no engine"),
        (make_pipeline(KernelPCA(1), GaussianNB()), "KernelPCA has no engine"),
        (AdaBoostClassifier(SVC(kernel=linear_kernel), n_estimators=2), "a support vector machine with kernel="),
    ],
)
def test_what_no_part_expresses_is_named(estimator: Any, why: str) -> None:
    rows = made(50, seed=1)[["age", "dose"]].to_numpy(dtype=np.float64)

    with pytest.raises(CannotCompileError, match=why):
        composed_files(clone(estimator).fit(rows, rows[:, 1] > 0))


def test_a_composition_that_answers_otherwise_is_refused_and_replaced(fit: Fit, tmp_path: Path) -> None:
    served, rows = fit(FAMILIES["voting"].classifier), made(120, seed=2)
    composition = msgspec.json.decode(served.compiled.files["composition.json"])
    composition["part"]["weights"] = [3.0, 2.0, 1.0]
    altered = replace(served.compiled, files={**served.compiled.files, "composition.json": msgspec.json.encode(composition)})
    wrong = bundled(served.spec, served.model, altered, tmp_path / "altered")

    with pytest.raises(ParityError, match="the compiled model differs from the measured model") as refused:
        wrong.prove(rows)

    whole = compile_after_failed_proof(served.spec, served.model, altered, refused.value)
    assert bundled(served.spec, served.model, whole, tmp_path / "whole").prove(rows) == 0
    assert whole.engine == "pyfunc"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"composition.json": b'{"part": {"type": "sums", "at": 9}}'}, r"model\.npz has no array 9\.weights"),
        ({"composition.json": b'{"part": {"type": "eval"}}'}, r"composition\.json: not a bundle file"),
        ({"model.npz": b"no arrays"}, r"model\.npz does not contain arrays"),
        ({"composition.json": None}, r"the engine 'composed' needs composition\.json"),
    ],
)
def test_a_damaged_composition_says_which_file(fit: Fit, tmp_path: Path, files: dict[str, bytes | None], said: str) -> None:
    served = fit(GaussianNB())
    given = {name: content for name, content in ({**served.compiled.files, **files}).items() if content is not None}
    broken = write(tmp_path / "broken", given, served.contract, Probe([], [], []))

    with pytest.raises(BundleError, match=said):
        open_engine(broken)


def test_a_composition_needs_no_training_library_and_no_graphs(fit: Fit) -> None:
    folder, rows = fit(FAMILIES["stacking"].classifier).bundle.folder, made(1, seed=2).to_dict("list")
    asked = f"""
import sys
from pathlib import Path
from slipway.bundle.engine import open_engine
from slipway.bundle.reading import read
print(open_engine(read(Path({str(folder)!r}))).probabilities({rows!r}).shape)
print([name for name in ("sklearn", "pandas", "scipy", "onnx", "skl2onnx", "mlflow") if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)

    assert run.stdout.splitlines() == ["(1, 2)", "[]"], run.stderr
