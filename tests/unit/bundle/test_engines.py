"""Every engine answers like the measured model: on real rows, on split thresholds, at ties of the vote; and the proof can fail."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Binarizer, FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from skops.io import dumps, get_untrusted_types, loads

from slipway.bundle.compiling import Compiled, compile_after_failed_proof, compile_model, compile_onnx
from slipway.bundle.compiling.trees import not_above
from slipway.bundle.contract import Probe, with_engine
from slipway.bundle.engine import open_engine
from slipway.bundle.engines.files import pack
from slipway.bundle.engines.tree_table import HISTOGRAM, of_bundle
from slipway.bundle.engines.trees import VOTES
from slipway.bundle.parity import TOLERANCE
from slipway.bundle.reading import read
from slipway.bundle.writing import write
from slipway.errors import BundleError, CannotCompileError, ParityError, UnsafeModelError
from slipway.spec import Category, Columns, ModelSpec, Numeric, Target
from slipway.training.pipelines import build
from slipway.training.splitting import Rows
from tests.support.compiled import CompiledModel, bundled

pytestmark = pytest.mark.slow

FEATURES = {
    "age": Numeric(0, 120, "years", "Age", integer=True),
    "dose": Numeric(-5, 5, "mg", "Dose"),
    "before": Numeric(0, 1000, "cells", "Count before", integer=True),
    "after": Numeric(0, 1000, "cells", "Count after", integer=True),
    "glucose": Numeric(0, 300, "mg/dl", "Glucose", zero_is_missing=True),
    "colour": Category(("red", "green", "blue"), "Colour"),
}
TARGETS = {2: Target("ill", {0: "well", 1: "ill"}, positive=1), 3: Target("end", {"gone": "", "left": "", "stays": ""})}
FORESTS = {
    "full depth": RandomForestClassifier(60, random_state=1),
    "shallow": RandomForestClassifier(30, max_depth=3, random_state=1),  # few leaves, shared by many rows
    "balanced": RandomForestClassifier(50, max_depth=12, class_weight="balanced", random_state=1),
    "balanced by subsample, entropy": RandomForestClassifier(
        40, criterion="entropy", class_weight="balanced_subsample", min_samples_leaf=4, max_samples=0.5, random_state=1
    ),
    "stumps": RandomForestClassifier(20, max_depth=1, random_state=1),
    "one tree": DecisionTreeClassifier(max_depth=6, random_state=1),
    "extra trees": ExtraTreesClassifier(30, random_state=1),
}
Make = Callable[..., CompiledModel]


def made(count: int, seed: int) -> pd.DataFrame:
    """Rows that keep the contract."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": random.integers(18, 95, count),
            "dose": random.normal(0, 1, count).round(2),
            "before": random.integers(0, 1000, count),
            "after": random.integers(0, 1000, count),
            "glucose": np.where(random.random(count) < 0.2, 0.0, random.normal(120, 30, count).round(1).clip(50, 300)),
            "colour": random.choice(["red", "green", "blue"], count),
        }
    )


def answer(rows: pd.DataFrame, classes: int) -> pd.Series:
    """Labels that depend on every column, and on chance."""
    score = rows["age"] / 40 + rows["dose"] + (rows["after"] - rows["before"]) / 400 + (rows["colour"] == "red") + (rows["glucose"] > 130)
    score += np.random.default_rng(9).normal(0, 0.7, len(rows))
    place = pd.qcut(score, classes, labels=False)
    return place.map(dict(enumerate(TARGETS[classes].classes)))


def preparation(scaled: bool, difference: bool) -> ColumnTransformer:
    """One step of every kind."""
    subtract = FunctionTransformer(np.diff, kw_args={"axis": 1})
    number = StandardScaler() if scaled else "passthrough"
    derived = [("difference", make_pipeline(subtract, number), ["before", "after"])] if difference else []
    return ColumnTransformer(
        [
            ("numbers", number, ["age", "dose"]),
            *derived,
            ("imputed", make_pipeline(SimpleImputer(missing_values=0.0, strategy="median"), StandardScaler()), ["glucose"]),
            ("measured", Binarizer(threshold=0), ["glucose"]),
            ("colours", OneHotEncoder(categories=[["red", "green", "blue"]], sparse_output=False), ["colour"]),
        ]
    )


@pytest.fixture
def make(toy: ModelSpec, tmp_path: Path) -> Make:
    """Fit an estimator after every kind of preparation, compile it and write its bundle."""

    def case(
        estimator: Any,
        classes: int = 2,
        scaled: bool = True,
        difference: bool = True,
        wrap: Callable[[Any], Any] = lambda pipeline: pipeline,
    ) -> CompiledModel:
        features = FEATURES if difference else {name: kind for name, kind in FEATURES.items() if name not in ("before", "after")}
        spec = replace(toy, columns=Columns(features, TARGETS[classes]), metric="accuracy")
        rows = made(700, seed=1)
        pipeline = Pipeline([("preparation", preparation(scaled, difference)), ("model", estimator)])
        model = wrap(pipeline).fit(rows[spec.columns.names], answer(rows, classes))
        return bundled(spec, model, compile_model(spec, model), tmp_path / "bundle")

    return case


def as_graph(case: CompiledModel, folder: Path) -> CompiledModel:
    """The same model as a plain ONNX graph."""
    return bundled(case.spec, case.model, Compiled("onnx", {"model.onnx": compile_onnx(case.spec, case.model)}), folder)


# trees


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", FORESTS)
def test_trees_answer_like_scikit_learn_bit_by_bit(make: Make, name: str, classes: int) -> None:
    case, rows = make(FORESTS[name], classes, scaled=name != "balanced"), made(300, seed=2)

    assert case.contract.engine == "trees"
    assert sorted(case.compiled.files) == ["model.npz", "model.onnx", "preparation.json"]
    for asked in (rows, case.border(rows)):
        assert len(asked) >= 100
        assert np.array_equal(case.answers(asked), case.model.predict_proba(asked))
        assert case.contract.output.labels(case.answers(asked)) == case.model.predict(asked).tolist()


def test_a_row_has_the_same_answer_alone_and_among_more_rows_than_are_added_up_at_once(make: Make) -> None:
    case, rows = make(FORESTS["full depth"]), made(VOTES // 60 + 3, seed=3)

    together = case.answers(rows)

    assert np.array_equal(together, case.model.predict_proba(rows))
    for index in (0, 1, len(rows) - 1):
        assert np.array_equal(case.answers(rows.iloc[[index]]), together[[index]])


def test_the_border_of_a_forest_has_ties_and_cells_on_thresholds(make: Make) -> None:
    case, rows = make(FORESTS["full depth"], scaled=False), made(300, seed=2)

    border = case.border(rows)

    tied = case.contract.output.margins(case.model.predict_proba(border)) == 0
    thresholds = np.concatenate([tree.tree_.threshold[tree.tree_.feature == 1] for tree in case.model[-1].estimators_])  # of dose
    assert tied.sum() >= 20
    assert np.isin(border["dose"], thresholds).sum() >= 10
    assert np.isin(border["dose"], np.nextafter(thresholds, np.inf)).sum() >= 10
    pd.testing.assert_frame_equal(border, case.border(rows))  # the same rows give the same border


@pytest.mark.parametrize("estimator", [FORESTS["full depth"], LogisticRegression()], ids=["forest", "linear"])
def test_rows_at_the_border_keep_the_contract(make: Make, estimator: Any) -> None:
    case = make(estimator)
    features = case.spec.columns.features

    border = case.border(made(300, seed=2))

    assert len(border) >= 100
    for name, kind in features.items():
        if isinstance(kind, Category):
            assert set(border[name]) <= set(kind.values)
        else:
            assert border[name].between(kind.low, kind.high).all()
            assert not kind.integer or (border[name] % 1 == 0).all()


def test_rows_of_one_label_have_a_border_between_the_more_and_the_less_probable_half(make: Make) -> None:
    case, rows = make(FORESTS["full depth"], scaled=False), made(300, seed=2)
    alike = rows[case.model.predict_proba(rows)[:, 1] > 0.7]
    middle = np.median(case.model.predict_proba(alike)[:, 1])

    border = case.border(alike)

    above = case.model.predict_proba(border)[:, 1] > middle
    assert above.any()
    assert not above.all()
    assert case.prove(border) == 0


def test_rows_that_all_have_one_answer_have_no_border_and_the_log_says_so(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    case, rows = make(LogisticRegression()), made(300, seed=2)

    assert case.border(rows.head(1)).empty
    assert "no row at the border could be made" in caplog.text
    assert "all 1 test rows" in caplog.text


def test_a_plain_onnx_forest_changes_labels_at_the_border_and_the_proof_says_so(make: Make, tmp_path: Path) -> None:
    case, rows = make(FORESTS["full depth"], scaled=False, difference=False), made(300, seed=2)
    plain, border = as_graph(case, tmp_path / "plain"), case.border(rows)

    with pytest.raises(ParityError, match=r"the compiled model differs from the measured model on \d+ of \d+ rows \(tolerance 1e-06\)"):
        plain.prove(border)

    assert plain.contract.output.labels(plain.answers(border)) != case.model.predict(border).tolist()
    assert case.prove(border) == 0


@pytest.mark.parametrize("model", ["forest", "linear"])
def test_sample_rows_of_heart_failure_and_their_border_are_answered_exactly(
    heart: ModelSpec, rows: Rows, tmp_path: Path, model: str
) -> None:
    forest = RandomForestClassifier(100, class_weight="balanced")
    spec = replace(heart, estimator=forest, search_space={}, simplest=None) if model == "forest" else heart
    pipeline = build(spec, {"preparation.zeros": "impute"}).fit(rows.train, rows.train_labels)
    case = bundled(spec, pipeline, compile_model(spec, pipeline), tmp_path / "bundle")

    tolerance = {"forest": 0, "linear": TOLERANCE}[model]

    assert case.contract.engine == {"forest": "trees", "linear": "linear"}[model]
    assert case.prove(rows.test) <= tolerance
    assert case.prove(case.border(rows.test)) <= tolerance


def test_a_threshold_is_rounded_to_the_float32_below_which_every_float32_compares_the_same() -> None:
    random = np.random.default_rng(5)
    exact = random.normal(size=500).astype(np.float32)
    halfway = (exact.astype(np.float64) + np.nextafter(exact, np.float32(9))) / 2
    thresholds = np.concatenate([random.normal(size=500), exact.astype(np.float64), halfway, [1e300, -1e300, 0.0]])
    rounded = not_above(thresholds)
    with np.errstate(over="ignore"):
        cells = np.concatenate([rounded, np.nextafter(rounded, np.float32(np.inf)), exact])

    assert rounded.dtype == np.float32
    assert np.array_equal(cells[:, None].astype(np.float64) <= thresholds, cells[:, None] <= rounded)


def test_a_forest_whose_threads_add_up_in_any_order_is_refused(make: Make) -> None:
    for estimator in (RandomForestClassifier(5, n_jobs=2), BaggingClassifier(RandomForestClassifier(5, n_jobs=2), 2)):
        with pytest.raises(CannotCompileError, match=r"toy: the forest has n_jobs=2, .* Set n_jobs=None before it is measured"):
            make(estimator)


# boosted trees


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "estimator",
    [
        GradientBoostingClassifier(random_state=1),
        GradientBoostingClassifier(n_estimators=30, max_depth=6, subsample=0.5, learning_rate=0.3, init="zero", random_state=1),
    ],
    ids=["as usual", "deep, of half the rows, from zero"],
)
def test_boosted_trees_answer_within_the_noise_of_float64(make: Make, estimator: Any, classes: int) -> None:
    case, rows = make(estimator, classes, scaled=classes == 2), made(300, seed=2)

    assert case.contract.engine == "boosting"
    assert case.prove(rows) < 1e-14
    border = case.border(rows)
    assert len(border) >= 100
    assert case.prove(border) < 1e-14


@pytest.mark.parametrize("classes", [2, 3])
def test_histogram_boosting_answers_within_the_noise_of_float64(make: Make, classes: int) -> None:
    case, rows = make(HistGradientBoostingClassifier(max_iter=20, random_state=1), classes, scaled=classes == 2), made(300, seed=2)

    assert case.contract.engine == "ensemble"
    assert case.prove(rows) < 1e-14
    border = case.border(rows)
    assert len(border) >= 100
    assert case.prove(border) < 1e-14


@pytest.mark.parametrize("classes", [2, 3])
def test_a_bundle_of_the_engine_histogram_answers_as_before(make: Make, classes: int, tmp_path: Path) -> None:
    case, rows = make(HistGradientBoostingClassifier(max_iter=20, random_state=1), classes), made(300, seed=2)
    trees = of_bundle(case.bundle)
    arrays = {name: getattr(trees, name) for name in HISTOGRAM if name != "exponential"} | {"exponential": np.array(False), "depth": 9}
    files = {**case.compiled.files, "model.npz": pack(arrays)}

    earlier = bundled(case.spec, case.model, Compiled("histogram", files), tmp_path / "earlier")

    assert (earlier.answers(rows) == case.answers(rows)).all()


@pytest.mark.parametrize("other", [{"loss": "exponential"}, {"init": LogisticRegression()}], ids=["loss", "start"])
def test_boosting_without_an_engine_is_served_by_another(make: Make, other: dict[str, Any]) -> None:
    case = make(GradientBoostingClassifier(n_estimators=5, random_state=1).set_params(**other), difference=False)

    assert case.contract.engine != "boosting"


# support vectors


@pytest.mark.parametrize("classes", [2, 3])
def test_support_vectors_answer_within_the_noise_of_float64(make: Make, classes: int) -> None:
    case, rows = make(CalibratedClassifierCV(SVC(C=2.0), ensemble=False), classes), made(300, seed=2)

    assert case.contract.engine == "svm"
    assert case.prove(rows) < 1e-12
    assert case.prove(case.border(rows)) < 1e-12


def test_a_plain_onnx_machine_of_three_classes_passes_on_test_rows_and_fails_where_votes_jump(make: Make, tmp_path: Path) -> None:
    case = make(CalibratedClassifierCV(SVC(C=2.0), ensemble=False), 3, difference=False)
    plain, rows = as_graph(case, tmp_path / "plain"), made(300, seed=2)

    assert plain.prove(rows) <= TOLERANCE
    with pytest.raises(ParityError, match="the compiled model differs from the measured model"):
        plain.prove(case.border(rows))
    assert case.prove(case.border(rows)) < 1e-12


# logistic regression


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("difference", [False, True])
def test_logistic_regression_answers_within_the_noise_of_float64(make: Make, classes: int, difference: bool) -> None:
    case, rows = make(LogisticRegression(), classes, difference=difference), made(300, seed=2)

    assert case.contract.engine == "linear"
    assert case.prove(rows) < 1e-14
    assert case.prove(case.border(rows)) < 1e-14
    one_by_one = np.concatenate([case.answers(rows.iloc[[place]]) for place in range(40)])
    assert np.allclose(one_by_one, case.model.predict_proba(rows.head(40)), rtol=0, atol=1e-14)


def test_logistic_regression_far_from_its_border_overflows_nowhere(make: Make) -> None:
    case = make(LogisticRegression(C=1e12), difference=False)
    far = made(20, seed=4).assign(dose=1e30)

    with np.errstate(all="raise"):
        for rows in (far, far.head(1)):
            assert np.allclose(case.answers(rows), case.model.predict_proba(rows), rtol=0, atol=1e-14)


# graphs


SUMS = SGDClassifier(loss="log_loss", random_state=1)  # which skl2onnx can convert, and no engine of ours answers


def test_a_graph_answers_within_the_tolerance_as_one_and_in_two_parts(make: Make) -> None:
    rows = made(300, seed=2)

    for difference, engine in ((False, "onnx"), (True, "network")):  # skl2onnx knows no differences
        case = make(SUMS, difference=difference)
        assert case.contract.engine == engine
        assert case.prove(rows) <= TOLERANCE
        assert case.prove(case.border(rows)) <= TOLERANCE


def test_columns_may_have_names_that_a_graph_cannot_have(toy: ModelSpec, tmp_path: Path) -> None:
    odd = {"mean dose (mg/dl)": FEATURES["dose"], "2nd colour": FEATURES["colour"], "AGE": FEATURES["age"], "age": FEATURES["age"]}
    rows = made(300, seed=2)
    asked = pd.DataFrame({"mean dose (mg/dl)": rows["dose"], "2nd colour": rows["colour"], "AGE": rows["before"] % 90, "age": rows["age"]})
    spec = replace(toy, columns=Columns(odd, TARGETS[2]), estimator=SUMS, search_space={})
    model = build(spec, {}).fit(asked, answer(rows, 2))

    case = bundled(spec, model, compile_model(spec, model), tmp_path / "bundle")

    assert case.contract.engine == "onnx"
    assert case.prove(asked) <= TOLERANCE


def test_a_graph_with_other_inputs_than_the_contract_has_columns_is_refused(make: Make, tmp_path: Path) -> None:
    case = make(SUMS, difference=False)
    fewer = msgspec.structs.replace(case.contract, columns=case.contract.columns[1:])

    with pytest.raises(BundleError, match=r"model\.onnx takes 4 columns; the contract has 3"):
        open_engine(write(tmp_path / "fewer", case.compiled.files, fewer, Probe([], [], [])))


def test_a_graph_that_onnx_runtime_cannot_open_is_named(make: Make, tmp_path: Path) -> None:
    case = make(SUMS)

    with pytest.raises(BundleError, match=r"broken: ONNX Runtime cannot open model\.onnx"):
        open_engine(write(tmp_path / "broken", {**case.compiled.files, "model.onnx": b"no graph"}, case.contract, Probe([], [], [])))


# the pipeline itself


# what skl2onnx has no conversion for, and what it converts to float32 although votes jump
NO_CONVERSION = LabelSpreading()
WORSE_AS_A_GRAPH = KNeighborsClassifier(6, algorithm="ball_tree")  # of which no engine of ours repeats the order


@pytest.mark.parametrize("classes", [2, 3])
def test_a_pipeline_that_nothing_can_convert_answers_itself_bit_by_bit(make: Make, classes: int, caplog: pytest.LogCaptureFixture) -> None:
    case, rows = make(NO_CONVERSION, classes), made(300, seed=2)

    assert case.contract.engine == "pyfunc"
    assert list(case.compiled.files) == ["model.skops"]
    for asked in (rows, case.border(rows)):
        assert len(asked) >= 50
        assert np.array_equal(case.answers(asked), case.model.predict_proba(asked))
        assert case.contract.output.labels(case.answers(asked)) == case.model.predict(asked).tolist()
    warning = next(record for record in caplog.records if record.levelname == "WARNING")
    assert "toy: no smaller engine answers exactly (skl2onnx cannot convert it" in warning.getMessage()
    assert "200 MB" in warning.getMessage()


def test_a_graph_that_fails_its_proof_is_replaced_by_the_pipeline(make: Make, tmp_path: Path) -> None:
    case, rows = make(WORSE_AS_A_GRAPH, difference=False), made(300, seed=2)
    border = case.border(rows)
    with pytest.raises(ParityError) as refused:
        case.prove(border)

    compiled = compile_after_failed_proof(case.spec, case.model, case.compiled, refused.value)

    whole = bundled(case.spec, case.model, compiled, tmp_path / "whole")
    assert (case.compiled.engine, compiled.engine) == ("onnx", "pyfunc")
    for asked in (rows, border):
        assert np.array_equal(whole.answers(asked), case.model.predict_proba(asked))
        assert whole.contract.output.labels(whole.answers(asked)) == case.model.predict(asked).tolist()


def test_an_exact_engine_that_fails_its_proof_is_not_replaced(make: Make) -> None:
    case, failed = make(FORESTS["shallow"]), ParityError("toy: the compiled model differs from the measured model on 1 of 300 rows")

    with pytest.raises(ParityError) as refused:
        compile_after_failed_proof(case.spec, case.model, case.compiled, failed)

    assert refused.value is failed


def test_the_pipeline_gets_the_dtypes_of_its_training_for_all_types_that_a_caller_sends(make: Make) -> None:
    case, rows = make(NO_CONVERSION), made(5, seed=2)
    sent = rows.to_dict("list") | {"age": [float(age) for age in rows["age"]], "before": [np.int32(count) for count in rows["before"]]}

    assert np.array_equal(case.engine.probabilities(sent), case.model.predict_proba(rows))


def test_a_threshold_decides_over_the_pipelines_answers(make: Make) -> None:
    case, rows = make(NO_CONVERSION, wrap=with_threshold(0.3)), made(300, seed=2)

    assert (case.contract.engine, case.contract.threshold) == ("pyfunc", 0.3)
    for asked in (rows, case.border(rows)):
        assert case.contract.output.labels(case.answers(asked)) == case.model.predict(asked).tolist()


def test_several_callers_at_once_get_the_answers_that_one_gets(make: Make) -> None:
    case, rows = make(BaggingClassifier(n_estimators=20, random_state=1)), made(2_100, seed=3)
    whole = compile_after_failed_proof(case.spec, case.model, case.compiled, ParityError("for the test"))
    engine = open_engine(write(case.bundle.folder / "whole", whole.files, with_engine(case.contract, "pyfunc"), Probe([], [], [])))
    parts = [rows.iloc[start : start + 150].to_dict("list") for start in range(0, len(rows), 150)]

    with ThreadPoolExecutor(8) as callers:
        answered = list(callers.map(engine.probabilities, [*parts, rows.to_dict("list")]))

    expected = case.model.predict_proba(rows)
    assert np.array_equal(np.concatenate(answered[:-1]), expected)
    assert np.array_equal(answered[-1], expected)  # more than are answered at once


def test_a_type_that_nothing_can_convert_and_that_is_not_on_the_allow_list_is_named(make: Make) -> None:
    said = r"(?s)toy: skl2onnx cannot convert it \(.*Nor in two parts: .*Nor can the bundle contain the pipeline: .*Unheard.*allow-list"
    with pytest.raises(UnsafeModelError, match=said):
        make(UnheardOf())


def test_a_pipeline_that_cannot_be_written_is_refused_for_the_first_reason(make: Make) -> None:
    case, failed = make(LogisticRegression()), ParityError("toy: the compiled model differs from the measured model on 1 of 300 rows")
    case.model[-1].itself_ = (each for each in "abc")  # which skops can write as little as a network

    with pytest.raises(ParityError) as refused:
        compile_after_failed_proof(case.spec, case.model, case.compiled, failed)

    assert refused.value is failed


def test_an_altered_pipeline_is_refused_by_its_checksum(make: Make) -> None:
    path = make(NO_CONVERSION).bundle.folder / "model.skops"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(BundleError, match=r"model\.skops has changed since it was measured"):
        read(path.parent)


def test_a_pipeline_with_a_type_that_is_not_on_the_allow_list_is_refused_before_it_is_loaded(make: Make, tmp_path: Path) -> None:
    case, content = make(NO_CONVERSION), dumps([Loaded(tmp_path / "loaded")])
    hostile = write(tmp_path / "hostile", {"model.skops": content}, case.contract, Probe([], [], []))

    with pytest.raises(UnsafeModelError, match=r"hostile: model\.skops contains the types \[.*Loaded.*not on the allow-list"):
        open_engine(hostile)

    assert not (tmp_path / "loaded").exists()
    loads(content, trusted=get_untrusted_types(data=content))
    assert (tmp_path / "loaded").exists()  # so it would have shown


class Loaded:
    """Leaves a file behind when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __setstate__(self, state: dict[str, str]) -> None:
        Path(state["path"]).touch()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no zip", r"model\.skops is not a skops file"),
        (dumps(StandardScaler()), r"model\.skops contains a StandardScaler of the classes \[\]; the contract promises .* \[0, 1\]"),
        (dumps(LabelSpreading().fit([[0.0], [1.0]], [1, 2])), r"a LabelSpreading of the classes \[1, 2\]"),
    ],
    ids=["no skops file", "no classifier", "other classes"],
)
def test_a_file_that_is_not_the_contracts_pipeline_is_refused(make: Make, tmp_path: Path, content: bytes, said: str) -> None:
    case = make(NO_CONVERSION)

    with pytest.raises(BundleError, match=said):
        open_engine(write(tmp_path / "broken", {"model.skops": content}, case.contract, Probe([], [], [])))


class UnheardOf(BaseEstimator, ClassifierMixin):
    """An estimator from elsewhere."""

    def fit(self, rows: Any, labels: Any) -> UnheardOf:
        self.classes_, self.n_features_in_ = np.unique(labels), rows.shape[1]
        return self


class Network(MLPClassifier):
    """An estimator with its own graph."""

    def to_onnx(self) -> bytes:
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType

        plain = MLPClassifier()  # which skl2onnx knows; what extends it, it does not
        vars(plain).update(vars(self))
        matrix = [("matrix", FloatTensorType([None, self.n_features_in_]))]
        return to_onnx(plain, initial_types=matrix, options={"zipmap": False}).SerializeToString()


def test_a_network_has_its_own_graph_after_a_preparation(make: Make) -> None:
    case, rows = make(Network((8,), max_iter=60, random_state=1), 3), made(300, seed=2)

    assert case.contract.engine == "network"
    assert sorted(case.compiled.files) == ["model.onnx", "preparation.json"]
    assert case.prove(rows) < TOLERANCE
    assert case.prove(case.border(rows)) < TOLERANCE


# thresholds of the decision


def with_threshold(threshold: float, positive: int = 1) -> Callable[[Any], Any]:
    return lambda pipeline: FixedThresholdClassifier(pipeline, threshold=threshold, pos_label=positive, response_method="predict_proba")


@pytest.mark.parametrize("estimator", [FORESTS["full depth"], LogisticRegression()], ids=["forest", "linear"])
def test_a_fixed_threshold_goes_into_the_contract_and_decides_the_same(make: Make, estimator: Any) -> None:
    case, rows = make(estimator, wrap=with_threshold(0.3)), made(300, seed=2)
    border = case.border(rows)

    assert case.contract.threshold == 0.3
    for asked in (rows, border):
        assert case.contract.output.labels(case.answers(asked)) == case.model.predict(asked).tolist()
        assert case.prove(asked) <= TOLERANCE
    assert set(case.model.predict(border)) == {0, 1}
    if case.contract.engine == "trees":
        assert (case.contract.output.margins(case.answers(border)) < 1e-12).sum() >= 20  # probabilities that are the threshold itself


def test_a_threshold_of_another_class_is_refused(make: Make) -> None:
    with pytest.raises(CannotCompileError, match=r"the threshold decides for 0, the target's positive class is 1\. Set pos_label"):
        make(LogisticRegression(), wrap=with_threshold(0.3, positive=0))


# what is stored


@pytest.mark.parametrize("name", ["model.npz", "preparation.json"])
def test_an_altered_file_of_trees_is_refused(make: Make, name: str) -> None:
    path = make(FORESTS["shallow"]).bundle.folder / name
    content = path.read_bytes()
    path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])

    with pytest.raises(BundleError, match=rf"{name} has changed since it was measured"):
        read(path.parent)


def test_an_engine_opens_the_verified_bytes_even_if_the_file_changes(make: Make) -> None:
    case, rows = make(FORESTS["shallow"]), made(20, seed=2)
    bundle = read(case.bundle.folder)
    shutil.rmtree(bundle.folder)

    assert np.array_equal(open_engine(bundle).probabilities(rows.to_dict("list")), case.model.predict_proba(rows))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"model.npz": None}, r"the engine 'trees' needs model\.npz; the bundle has \['model\.onnx', 'preparation\.json'\]"),
        ({"preparation.json": None}, r"the engine 'trees' needs preparation\.json; the bundle has \['model\.npz', 'model\.onnx'\]"),
        ({"model.npz": b"no arrays"}, r"model\.npz does not contain the arrays value, trees"),
        ({"model.onnx": None}, r"the engine 'trees' needs model\.onnx"),
        ({"model.onnx": b"no graph"}, r"ONNX Runtime cannot open model\.onnx"),
        ({"preparation.json": b'{"blocks": [{"columns": ["age"], "steps": [{"type": "eval"}]}]}'}, r"preparation\.json: not a bundle file"),
    ],
)
def test_a_bundle_that_cannot_be_opened_says_which_file(make: Make, tmp_path: Path, files: dict[str, bytes | None], said: str) -> None:
    case = make(FORESTS["shallow"])
    given = {name: content for name, content in ({**case.compiled.files, **files}).items() if content is not None}
    broken = write(tmp_path / "broken", given, case.contract, Probe([], [], []))

    with pytest.raises(BundleError, match=said):
        open_engine(broken)


def test_arrays_that_would_have_to_be_unpickled_are_refused(make: Make, tmp_path: Path) -> None:
    case = make(FORESTS["shallow"])
    names = ("value", "trees")
    np.savez(tmp_path / "objects.npz", **{name: np.array([{}], dtype=object) for name in names})
    hostile = {**case.compiled.files, "model.npz": (tmp_path / "objects.npz").read_bytes()}

    with pytest.raises(BundleError, match="allow_pickle=False"):
        open_engine(write(tmp_path / "hostile", hostile, case.contract, Probe([], [], [])))


def test_trees_need_no_training_library(make: Make) -> None:
    folder, rows = make(FORESTS["shallow"]).bundle.folder, made(1, seed=2).to_dict("list")
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
