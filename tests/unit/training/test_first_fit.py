"""Twenty families of estimators: each is stored with all that it learns, or refused before the search; none is refused after it."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier, XGBRegressor

from slipway.bundle.cells import columns_of, rows_of
from slipway.bundle.compiling import compile_after_failed_proof, compile_model, contract_columns
from slipway.bundle.contract import Contract, Probe, of_output
from slipway.bundle.deployment import load
from slipway.bundle.store.active import Pointer, active, install
from slipway.bundle.trusted_types import other_types
from slipway.bundle.writing import write
from slipway.errors import ParityError, SpecError, UnsafeModelError, UnstorableEstimatorError
from slipway.spec import Category, Columns, Gate, ModelSpec, Numeric, Quantity, Split, Target
from slipway.training.first_fit import FEW, few, require_storable_fit
from slipway.training.measuring import measure
from slipway.training.search.tuning import tune
from slipway.training.splitting import Rows, split
from tests.support.specs import classifier_spec

pytestmark = pytest.mark.slow

FEATURES = {"size": Numeric(), "weight": Numeric(), "colour": Category(("blue", "red"), "Colour")}
TWO, THREE = Target("wanted", {0: "left", 1: "wanted"}, positive=1), Target("wanted", {"high": "", "low": "", "mid": ""})
NUMBER = Quantity("wanted", "euro", "Price", low=0)
LIGHTGBM = ("lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier")
XGBOOST = ("xgboost.core.Booster", "xgboost.sklearn.XGBClassifier")
CATBOOST = ("catboost.core.CatBoostClassifier",)
QUIET_CATBOOST: dict[str, Any] = {"iterations": 5, "verbose": 0, "thread_count": 1, "allow_writing_files": False}
LINEAR, TREE = LogisticRegression(), DecisionTreeClassifier(max_depth=3)
FAMILIES: dict[str, tuple[BaseEstimator, tuple[str, ...]]] = {
    "logistic regression": (LINEAR, ()),
    "stochastic gradient descent": (SGDClassifier(loss="log_loss"), ()),
    "tree": (TREE, ()),
    "random forest": (RandomForestClassifier(9), ()),
    "gradient boosting": (GradientBoostingClassifier(n_estimators=5), ()),
    "histogram gradient boosting": (HistGradientBoostingClassifier(max_iter=5), ()),
    "LightGBM": (LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1), LIGHTGBM),
    "XGBoost": (XGBClassifier(n_estimators=5, n_jobs=1), XGBOOST),
    "CatBoost": (CatBoostClassifier(**QUIET_CATBOOST), CATBOOST),
    "neighbours": (KNeighborsClassifier(), ()),
    "perceptron": (MLPClassifier((5,), max_iter=20, early_stopping=True), ()),
    "voting": (VotingClassifier([("linear", LINEAR), ("near", KNeighborsClassifier())], voting="soft"), ()),
    "stacking": (StackingClassifier([("linear", LINEAR), ("tree", TREE)]), ()),
    "stacking with XGBoost": (StackingClassifier([("linear", LINEAR), ("boosted", XGBClassifier(n_estimators=3, n_jobs=1))]), XGBOOST),
    "support vectors": (CalibratedClassifierCV(SVC(), ensemble=False), ()),
    "naive Bayes": (GaussianNB(), ()),
    "linear discriminants": (LinearDiscriminantAnalysis(), ()),
    "quadratic discriminants": (QuadraticDiscriminantAnalysis(reg_param=0.1), ()),
    "bagging": (BaggingClassifier(n_estimators=3), ()),
    "AdaBoost": (AdaBoostClassifier(n_estimators=3), ()),
    "Gaussian process": (GaussianProcessClassifier(), ()),
}


def toys(target: Target | Quantity, count: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(1)
    found = pd.DataFrame(
        {"size": random.normal(0, 1, count), "weight": random.normal(0, 1, count), "colour": random.choice(["red", "blue"], count)}
    )
    score = found["size"] - found["weight"] + random.normal(0, 0.5, count)
    if isinstance(target, Quantity):
        return found.assign(wanted=(score - score.min()) * 20)
    return found.assign(wanted=pd.qcut(score, len(target.classes), labels=False).map(dict(enumerate(target.classes))))


def toy(estimator: BaseEstimator, target: Target | Quantity = TWO, **changes: Any) -> tuple[ModelSpec, Rows]:
    number: dict[str, Any] = {"metric": "mean_absolute_error", "split": Split(0.25, 1, stratify=False), "gate": Gate(500.0)}
    changes = (number if isinstance(target, Quantity) else {}) | {"trials": 2} | changes
    spec = classifier_spec("toy", Columns(FEATURES, target), estimator, **changes)
    return spec, split(spec, toys(target))


def contract_of(spec: ModelSpec, engine: Any, threshold: float | None = None) -> Contract:
    return Contract(
        format=1, model="toy", registered_as="toy", version=1, run_id="1" * 32, engine=engine, description="",
        columns=contract_columns(spec), target="wanted", data_sha256="", sample=False, metrics={}, mlflow_version="", created_at="",
        **of_output(spec.problem.output(threshold, 10.0)),
    )  # fmt: skip


def as_pipeline(spec: ModelSpec, rows: Rows, model: Any, folder: Path) -> tuple[Path, str]:
    """Write the bundle of a model that is served as itself; return its folder and its engine."""
    compiled = compile_model(spec, model)
    if compiled.engine != "pyfunc":
        compiled = compile_after_failed_proof(spec, model, replace(compiled, engine="onnx"), ParityError("for the test"))
    contract = contract_of(spec, compiled.engine, compiled.threshold)
    labels, numbers = contract.output.of_model(model, rows.test)
    held = rows_of(rows.test, contract.columns)
    return write(folder / "toy" / "1-11111111", compiled.files, contract, Probe(held, labels, numbers.tolist())).folder, compiled.engine


@pytest.mark.parametrize("name", FAMILIES)
def test_each_family_is_stored_or_refused_before_the_search(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    estimator, needed = FAMILIES[name]
    spec, rows = toy(estimator)

    if needed:
        with pytest.raises(UnstorableEstimatorError) as refused:
            require_storable_fit(spec, rows)
        advice = "trusted=({},) into toy.py".format(", ".join(f'"{name}"' for name in needed))
        assert f"toy: a stored version would contain {', '.join(needed)}. " in str(refused.value)
        assert advice in str(refused.value)
        spec = replace(spec, trusted=needed)
    with caplog.at_level(logging.INFO, "slipway.training.first_fit"):
        require_storable_fit(spec, rows)
    assert "toy: the engine " in caplog.text

    measured = measure(spec, rows, tune(spec, rows, "0" * 64, 2, tmp_path / "studies"))
    folder, engine = as_pipeline(spec, rows, measured.pipeline, tmp_path)  # as itself, so that every type of it is made anew
    deployment = load(folder, "toy", Pointer(folder.name, 1, "one", needed), 1)

    assert engine == "pyfunc"
    answers = deployment.engine.probabilities(columns_of(rows.test, deployment.contract.columns))
    assert answers == pytest.approx(measured.pipeline.predict_proba(rows.test), abs=1e-12)


@pytest.mark.parametrize(
    "estimator",
    [
        LGBMRegressor(n_estimators=5, verbose=-1, n_jobs=1),
        XGBRegressor(n_estimators=5, n_jobs=1),
        CatBoostRegressor(**QUIET_CATBOOST),
        KNeighborsRegressor(),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_regressors_too(estimator: BaseEstimator, tmp_path: Path) -> None:
    package = type(estimator).__module__.partition(".")[0]
    needed = {"lightgbm": ("lightgbm.basic.Booster",), "xgboost": ("xgboost.core.Booster",)}.get(package, ())
    own = () if package == "sklearn" else (f"{type(estimator).__module__}.{type(estimator).__name__}",)
    spec, rows = toy(estimator, NUMBER, trusted=(*needed, *own))

    require_storable_fit(spec, rows)
    measured = measure(spec, rows, tune(spec, rows, "0" * 64, 2, tmp_path / "studies"))
    folder, _ = as_pipeline(spec, rows, measured.pipeline, tmp_path)

    deployment = load(folder, "toy", Pointer(folder.name, 1, "one", spec.trusted), 1)
    answers = deployment.engine.probabilities(columns_of(rows.test, deployment.contract.columns))
    assert answers[:, 0] == pytest.approx(measured.pipeline.predict(rows.test), abs=1e-9)


def test_what_it_costs_to_serve_the_pipeline_itself_is_said_before_the_search(caplog: pytest.LogCaptureFixture) -> None:
    spec, rows = toy(LabelSpreading())

    with caplog.at_level(logging.INFO, "slipway"):
        require_storable_fit(spec, rows)

    assert "the bundle contains the scikit-learn pipeline itself. Its gateway loads scikit-learn and pandas" in caplog.text
    assert "toy: the engine pyfunc will answer" in caplog.text


def test_an_estimator_that_needs_more_rows_is_not_refused_for_that(caplog: pytest.LogCaptureFixture) -> None:
    spec = classifier_spec("toy", Columns(FEATURES, TWO), CalibratedClassifierCV(LINEAR, cv=120))
    rows = split(spec, toys(TWO, 400))

    require_storable_fit(spec, rows)

    assert "toy: a first fit of 200 rows failed (ValueError: " in caplog.text
    assert "is known only after the search" in caplog.text
    unknown = replace(spec, estimator=CalibratedClassifierCV(LGBMClassifier(), cv=120))
    with pytest.raises(UnstorableEstimatorError, match=r"lightgbm\.sklearn\.LGBMClassifier"):  # what shows without a fit
        require_storable_fit(unknown, rows)


def test_an_estimator_whose_answers_depend_on_chance_is_refused_before_the_search() -> None:
    from slipway.errors import CannotCompileError

    spec, rows = toy(RandomForestClassifier(5, n_jobs=2))

    with pytest.raises(CannotCompileError, match="chance decides a tie"):
        require_storable_fit(spec, rows)


@pytest.mark.filterwarnings("ignore:.*probability.*:FutureWarning")
def test_a_classifier_that_does_not_answer_the_most_probable_class_is_refused_before_the_search() -> None:
    spec, rows = toy(SVC(probability=True))

    with pytest.raises(UnstorableEstimatorError, match=r"toy: SVC answers \d+ of 225 training rows with another class than its most"):
        require_storable_fit(spec, rows)

    require_storable_fit(replace(spec, tune_threshold=True), rows)


def test_few_rows_are_of_every_class_and_of_all_numbers() -> None:
    _, rows = toy(LINEAR)
    common = rows.train_labels.index[rows.train_labels == 0]
    rare = replace(rows, train=rows.train.drop(common[7:]), train_labels=rows.train_labels.drop(common[7:]))

    for given in (rows, rare):
        chosen = given.train_labels.iloc[few(given, classes=True)].value_counts()
        assert chosen[0] == min((given.train_labels == 0).sum(), FEW // 2)
    numbers = replace(rows, train_labels=pd.Series(np.random.default_rng(1).permutation(1_000).astype(float)))
    chosen = numbers.train_labels.iloc[few(numbers, classes=False)]
    assert len(chosen) == FEW
    assert (chosen.min(), chosen.max()) == (0, 999)
    assert np.diff(np.sort(chosen)).max() <= 6  # 1,000 numbers in 199 steps


def test_catboost_is_searched_by_parameters_that_it_lists_only_once_they_are_given(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"trusted": CATBOOST, "search_space": {"depth": IntDistribution(2, 3), "rsm": FloatDistribution(0.5, 1)}}
    spec, rows = toy(CatBoostClassifier(**QUIET_CATBOOST, class_weights=[1, 2]), **changes)  # a list, which `clone` refuses

    require_storable_fit(spec, rows)
    tuned = tune(spec, rows, "0" * 64, 2, tmp_path)

    assert set(tuned.parameters) == {"depth", "rsm"}
    assert measure(spec, rows, tuned).pipeline[-1].get_params()["class_weights"] == [1, 2]
    with pytest.raises(SpecError, match=r"CatBoostClassifier has no parameter \['dept'\]"):
        replace(spec, search_space={"dept": IntDistribution(2, 3)})


def test_catboost_answers_three_classes_of_texts(tmp_path: Path) -> None:
    spec, rows = toy(CatBoostClassifier(**QUIET_CATBOOST), THREE, trusted=CATBOOST)

    require_storable_fit(spec, rows)
    measured = measure(spec, rows, tune(spec, rows, "0" * 64, 2, tmp_path / "studies"))
    folder, _ = as_pipeline(spec, rows, measured.pipeline, tmp_path)
    deployment = load(folder, "toy", Pointer(folder.name, 1, "one", CATBOOST), 1)

    assert set(measured.evaluation.labels) == set(THREE.classes)  # texts, and not lists of one text each
    assert deployment.predict(columns_of(rows.test, deployment.contract.columns))[0] == measured.evaluation.labels


def test_lightgbm_is_searched_by_parameters_that_it_hands_on() -> None:
    spec, _ = toy(LGBMClassifier(), search_space={"extra_trees": CategoricalDistribution([True, False])})

    assert set(spec.search_space) == {"extra_trees"}


def test_types_are_trusted_by_the_pointer_and_by_no_file_of_the_bundle(tmp_path: Path) -> None:
    spec, rows = toy(LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1), trusted=LIGHTGBM)
    model = measure(spec, rows, tune(spec, rows, "0" * 64, 1, tmp_path / "studies")).pipeline
    folder, _ = as_pipeline(spec, rows, model, tmp_path)
    store = tmp_path / "store"

    pointer = install(folder, store, 8001, LIGHTGBM)

    assert active(store, "toy") == pointer
    assert pointer.trusted == LIGHTGBM
    assert load(store / "toy" / pointer.bundle, "toy", pointer, 8001).contract.version == 1
    with pytest.raises(UnsafeModelError, match=r"contains the types \['lightgbm.*the model's file did not trust.*trusted=\(\.\.\.\)"):
        load(store / "toy" / pointer.bundle, "toy", Pointer(pointer.bundle, 8001, "two"), 8001)


def test_the_pointer_to_an_engine_that_makes_no_objects_trusts_nothing(write_bundle: Callable[..., Any], tmp_path: Path) -> None:
    pointer = install(write_bundle(tmp_path / "bundle").folder, tmp_path / "store", 8001, LIGHTGBM)

    assert pointer.trusted == ()
    assert b"trusted" not in (tmp_path / "store" / "heart-failure" / "active.json").read_bytes()


def test_a_bundle_that_needs_a_package_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from slipway.errors import BundleError

    spec, rows = toy(LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1), trusted=LIGHTGBM)
    model = measure(spec, rows, tune(spec, rows, "0" * 64, 1, tmp_path / "studies")).pipeline
    folder, _ = as_pipeline(spec, rows, model, tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "lightgbm"]:
        monkeypatch.setitem(sys.modules, name, None)  # as where it is not installed

    with pytest.raises(BundleError, match=r"model\.skops needs the package lightgbm"):
        load(folder, "toy", Pointer(folder.name, 1, "one", LIGHTGBM), 1)


def test_the_packages_are_loaded_only_by_a_model_that_uses_them() -> None:
    program = (
        "import sys, numpy, skops.io; import slipway.training.first_fit, slipway.tracking.registration, slipway.bundle.engines.pyfunc\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "from slipway.bundle.trusted_types import other_types\n"
        "other_types(skops.io.dumps(LogisticRegression().fit([[0.0], [1.0]], [0, 1])))\n"
        "print([name for name in ('lightgbm', 'xgboost', 'catboost') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_every_type_of_a_trusted_model_is_named_in_its_file() -> None:
    from skops.io import dumps

    content = dumps(LGBMClassifier(n_estimators=2, verbose=-1).fit([[0.0], [1.0]] * 30, [0, 1] * 30))

    assert other_types(content) == list(LIGHTGBM)
    assert other_types(content, LIGHTGBM[:1]) == list(LIGHTGBM[1:])
    assert other_types(content, LIGHTGBM) == []
