"""Contributions are Shapley's: those of all mixes of columns, and those of the package shap; and they add up to the margin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import factorial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostRegressor
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC
from xgboost import XGBClassifier

from slipway.bundle.cells import columns_of, rows_of
from slipway.bundle.compiling import compile_model, contract_columns
from slipway.bundle.compiling.trees import leaf_graph
from slipway.bundle.contract import FORMAT, Contract, Probe, of_output
from slipway.bundle.deployment import Deployment
from slipway.bundle.engine import open_engine
from slipway.bundle.writing import write
from slipway.errors import BundleError
from slipway.explaining import mixing, sampling
from slipway.explaining.explaining import explain, explain_rows
from slipway.explaining.explanation import Explanation
from slipway.explaining.graph_nodes import attributes
from slipway.spec import (
    Boolean,
    Category,
    Columns,
    Derived,
    Difference,
    Feature,
    Gate,
    ModelSpec,
    Numeric,
    Preparation,
    Quantity,
    Ratio,
    Split,
    Target,
    WeightedMean,
)
from slipway.training.pipelines import build
from tests.support.specs import classifier_spec

pytestmark = pytest.mark.slow

FEATURES: dict[str, Feature] = {
    "age": Numeric(18, 95, "years", "Age", integer=True, missing=True),
    "dose": Numeric(-5, 5, "mg", "Dose"),
    "before": Numeric(0, 1000, "cells", "Count before"),
    "after": Numeric(0, 1000, "cells", "Count after", missing=True),
    "urban": Boolean("Whether the patient lives in a town"),
    "colour": Category(("red", "green", "blue"), "Colour", missing=True),
}
DERIVED = {
    "grown": Difference("after", "before"),
    "change": Ratio("after", "before"),
    "mean": WeightedMean({"age": 0.9, "dose": 0.1}),
}
BACKGROUND = 12
TARGETS: dict[str, Target | Quantity] = {
    "two": Target("ill", {0: "well", 1: "ill"}, positive=1),
    "two, the first positive": Target("ill", {0: "ill", 1: "well"}, positive=0),
    "three": Target("end", {"gone": "", "left": "", "stays": ""}),
    "number": Quantity("days", "days", "Days", low=0, high=400),
    "logarithm": Quantity("days", "days", "Days", low=0, high=400, log=True),
}
NATIVE = Preparation(scale=False, missing="native")
FOREST = RandomForestClassifier(20, min_samples_leaf=4, random_state=1)
EXACT: dict[str, tuple[BaseEstimator, Preparation, str, str, str]] = {
    "logistic regression": (LogisticRegression(max_iter=3_000), Preparation(), "two", "linear", "log-odds"),
    "logistic regression, first class": (LogisticRegression(), Preparation(), "two, the first positive", "linear", "log-odds"),
    "logistic regression, three classes": (LogisticRegression(max_iter=3_000), Preparation(), "three", "linear", "log-ratio"),
    "ridge": (Ridge(), Preparation(), "number", "linear", "number"),
    "ridge, logarithm": (Ridge(), Preparation(), "logarithm", "linear", "log(1 + number)"),
    "forest": (FOREST, Preparation(scale=False), "two", "trees", "probability"),
    "forest, missing cells": (FOREST, NATIVE, "two", "trees", "probability"),
    "forest, pure leaves": (RandomForestClassifier(20, random_state=1), Preparation(), "two", "trees", "probability"),
    "forest, pure leaves, three classes": (RandomForestClassifier(9, random_state=1), NATIVE, "three", "trees", "probability"),
    "forest, three classes": (FOREST, Preparation(), "three", "trees", "probability"),
    "extra trees": (ExtraTreesRegressor(20, max_depth=8, random_state=1), Preparation(), "number", "trees", "number"),
    "boosting": (GradientBoostingClassifier(n_estimators=30, random_state=1), Preparation(), "two", "boosting", "log-odds"),
    "boosting, three classes": (
        GradientBoostingClassifier(n_estimators=9, random_state=1),
        Preparation(),
        "three",
        "boosting",
        "log-ratio",
    ),
    "boosting, number": (GradientBoostingRegressor(n_estimators=30, random_state=1), Preparation(), "number", "boosting", "number"),
    "LightGBM": (LGBMClassifier(n_estimators=20, verbose=-1, n_jobs=1), NATIVE, "two", "ensemble", "log-odds"),
    "XGBoost": (XGBClassifier(n_estimators=20, n_jobs=1), NATIVE, "two", "ensemble", "log-odds"),
    "CatBoost, number": (CatBoostRegressor(iterations=20, verbose=0, allow_writing_files=False), NATIVE, "number", "ensemble", "number"),
    "histogram": (HistGradientBoostingClassifier(max_iter=20), NATIVE, "two", "ensemble", "log-odds"),
    "histogram, three classes": (HistGradientBoostingClassifier(max_iter=9), NATIVE, "three", "ensemble", "log-ratio"),
    "histogram, number": (HistGradientBoostingRegressor(max_iter=20), NATIVE, "number", "ensemble", "number"),
    "histogram, poisson": (HistGradientBoostingRegressor(max_iter=20, loss="poisson"), NATIVE, "number", "ensemble", "log(number)"),
}
SAMPLED: dict[str, tuple[BaseEstimator, Preparation, str, str, str]] = {
    "support vectors": (CalibratedClassifierCV(SVC(), ensemble=False), Preparation(), "three", "svm", "probability"),
    "perceptron": (MLPClassifier((8,), max_iter=60, tol=1, random_state=1), Preparation(), "two", "composed", "probability"),
    "label spreading": (LabelSpreading(), Preparation(), "two", "pyfunc", "probability"),
}
Made = Callable[..., "Case"]


def patients(count: int, seed: int) -> pd.DataFrame:
    """Validated rows, some with missing cells."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": pd.Series(random.integers(18, 95, count).astype(float)).where(random.random(count) > 0.15),
            "dose": random.normal(0, 1, count).round(2),
            "before": random.integers(0, 1000, count).astype(float),
            "after": pd.Series(random.integers(0, 1000, count).astype(float)).where(random.random(count) > 0.15),
            "urban": random.random(count) < 0.5,
            "colour": pd.Series(random.choice(["red", "green", "blue"], count)).where(random.random(count) > 0.15),
        }
    )


def no_round_numbers(count: int, seed: int) -> pd.DataFrame:
    """Rows of which no cell is on the threshold of a tree: shap compares such a cell with another rounding than scikit-learn."""
    rows, random = patients(count, seed), np.random.default_rng(seed)
    return rows.assign(dose=random.normal(0, 1, count), before=random.uniform(0, 1000, count))


def answers_of(rows: pd.DataFrame, target: Target | Quantity) -> pd.Series:
    """Labels, or numbers, that depend on every column and on chance."""
    score = rows["age"].fillna(60) / 40 + rows["dose"] + (rows["after"].fillna(0) - rows["before"]) / 400 + rows["urban"]
    score += (rows["colour"] == "red") * rows["dose"] + np.random.default_rng(9).normal(0, 0.5, len(rows))
    if isinstance(target, Quantity):
        return (score - score.min()) * 20
    return pd.qcut(score, len(target.classes), labels=False).map(dict(enumerate(target.classes)))


@dataclass(frozen=True)
class Case:
    """A model in service, its fitted pipeline, its background, and rows to explain."""

    deployment: Deployment
    pipeline: Any
    background: dict[str, list[Any]]
    asked: dict[str, list[Any]]

    @property
    def contract(self) -> Contract:
        return self.deployment.contract

    def explained(self) -> list[Explanation]:
        return explain_rows(self.deployment, self.asked, self.deployment.predict(self.asked)[0])

    def margins(self, columns: Mapping[str, list[Any]], explanation: Explanation) -> np.ndarray:
        """What the engine answers, on the scale of an explanation."""
        answers = self.deployment.engine.probabilities(columns)
        if self.contract.quantity:
            return np.log(answers[:, 0]) if explanation.scale == "log(number)" else answers[:, 0]
        place = self.contract.classes.index(explanation.of)
        match explanation.scale:
            case "log-odds":
                return np.log(answers[:, place]) - np.log(answers[:, 1 - place])
            case "log-ratio":
                return np.log(answers[:, place]) - np.log(answers).mean(axis=1)
        return answers[:, place]

    def by_all_mixes(self, place: int, explanation: Explanation) -> np.ndarray:
        """Shapley's values of one row, from the answers to all its mixes with the background."""
        mixes = range(1 << len(self.background))
        mixed = {
            name: [cell for mix in mixes for cell in ([self.asked[name][place]] * len(cells) if mix >> bit & 1 else cells)]
            for bit, (name, cells) in enumerate(self.background.items())
        }
        return by_formula(self.margins(mixed, explanation).reshape(len(mixes), -1).mean(axis=1))


def by_formula(game: np.ndarray) -> np.ndarray:
    """Shapley's formula as he wrote it: the sum over all coalitions."""
    players = len(game).bit_length() - 1
    found = np.zeros(players)
    for coalition in range(len(game)):
        size = coalition.bit_count()
        for player in range(players):
            if not coalition >> player & 1:
                weight = factorial(size) * factorial(players - size - 1) / factorial(players)
                found[player] += weight * (game[coalition | 1 << player] - game[coalition])
    return found


def served(folder: Path, spec: ModelSpec, pipeline: Any, held: pd.DataFrame, asked: pd.DataFrame) -> Case:
    """Put a fitted pipeline into service, with held rows as its background."""
    compiled = compile_model(spec, pipeline)
    output = spec.problem.output(compiled.threshold, 10.0)
    contract = Contract(
        format=FORMAT, model=spec.name, registered_as=spec.name, version=1, run_id="1" * 32, engine=compiled.engine, description="",
        columns=contract_columns(spec), target="", data_sha256="", sample=False, metrics={}, mlflow_version="", created_at="",
        **of_output(output),
    )  # fmt: skip
    labels, numbers = output.of_model(pipeline, held)
    probe = Probe(rows_of(held, contract.columns), labels, numbers.tolist())
    bundle = write(folder / spec.name / "1", compiled.files, contract, probe)
    background, rows = (columns_of(table, contract.columns) for table in (held, asked))
    return Case(Deployment(contract, "one", 1, open_engine(bundle), bundle.folder), pipeline, background, rows)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def make(
        estimator: BaseEstimator,
        preparation: Preparation,
        kind: str,
        derived: Mapping[str, Derived] = DERIVED,
        features: Mapping[str, Feature] = FEATURES,
        background: int = BACKGROUND,
        rows: Callable[[int, int], pd.DataFrame] = patients,
    ) -> Case:
        target = TARGETS[kind]
        number = {"metric": "mean_absolute_error", "split": Split(0.25, 1, stratify=False), "gate": Gate(50.0)}
        columns = Columns(features, target, derived=derived)
        changes: dict[str, Any] = number if isinstance(target, Quantity) else {}
        spec = classifier_spec("mixed", columns, estimator, preparation=preparation, **changes)
        learnt = rows(300, 1)
        pipeline = spec.problem.wrapped(build(spec, {})).fit(learnt[list(features)], answers_of(learnt, target))
        return served(tmp_path, spec, pipeline, rows(background, 2)[list(features)], rows(3, 3)[list(features)])

    return make


@pytest.mark.parametrize("name", EXACT)
def test_exact_contributions_are_those_of_all_mixes_and_add_up_to_the_margin(name: str, made: Made) -> None:
    estimator, preparation, kind, engine, scale = EXACT[name]
    case = made(estimator, preparation, kind)
    near = 1e-5 if name == "XGBoost" else 1e-9  # its answers are in float32

    found = case.explained()

    assert case.contract.engine == engine
    for place, explanation in enumerate(found):
        assert (explanation.scale, explanation.method, explanation.background) == (scale, "exact", BACKGROUND)
        assert explanation.base + sum(explanation.contributions) == pytest.approx(explanation.margin, abs=1e-9)
        assert explanation.margin == pytest.approx(case.margins(case.asked, explanation)[place], abs=near)
        assert explanation.base == pytest.approx(case.margins(case.background, explanation).mean(), abs=near)
        assert explanation.contributions == pytest.approx(case.by_all_mixes(place, explanation), abs=near)


@pytest.mark.parametrize("name", SAMPLED)
def test_with_few_columns_every_mix_is_answered_and_any_engine_is_exact(name: str, made: Made) -> None:
    estimator, preparation, kind, engine, scale = SAMPLED[name]
    case = made(estimator, preparation, kind)

    found = case.explained()

    assert case.contract.engine == engine
    for place, explanation in enumerate(found):
        assert (explanation.scale, explanation.method) == (scale, "exact")
        assert explanation.contributions == pytest.approx(case.by_all_mixes(place, explanation), abs=1e-6)  # graphs are in float32


@pytest.mark.parametrize("name", SAMPLED)
def test_sampled_contributions_add_up_and_are_within_their_errors_and_the_same_each_time(
    name: str, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimator, preparation, kind, _, _ = SAMPLED[name]
    case = made(estimator, preparation, kind)
    monkeypatch.setattr(sampling, "MIXES", 600)  # 12 * 2 ** 6 = 768 are too many now, so the orders are drawn

    found = case.explained()

    assert found == case.explained()
    distances = []
    for place, explanation in enumerate(found):
        assert explanation.method == "sampled"
        assert explanation.errors is not None
        assert explanation.base + sum(explanation.contributions) == pytest.approx(explanation.margin, abs=1e-9)
        distances.append(
            (np.array(explanation.contributions) - case.by_all_mixes(place, explanation)) / np.maximum(explanation.errors, 1e-9)
        )
    # 18 distances in units of their errors: about one in three is above 1, and with 4 pairs of orders for each row none is far above
    assert np.abs(distances).max() < 4.5
    assert 0.3 < np.sqrt(np.mean(np.square(distances))) < 2


@pytest.mark.parametrize(
    "estimator",
    [FOREST, GradientBoostingClassifier(n_estimators=30, random_state=1), HistGradientBoostingClassifier(max_iter=20)],
    ids=lambda estimator: type(estimator).__name__,
)
def test_trees_are_explained_as_by_the_package_shap(estimator: BaseEstimator, made: Made) -> None:
    shap = pytest.importorskip("shap", reason="the package shap is not installed on this platform")
    features = {name: FEATURES[name] for name in ("before", "dose", "urban")}
    case = made(estimator, Preparation(scale=False), "two", {}, features, rows=no_round_numbers)
    preparation, model = case.pipeline[0], case.pipeline[-1]
    background, asked = (preparation.transform(pd.DataFrame(rows)).astype(float) for rows in (case.background, case.asked))
    order = [next(place for place, cell in enumerate(preparation.get_feature_names_out()) if name in cell) for name in features]

    by_shap = shap.TreeExplainer(model, data=background, feature_perturbation="interventional").shap_values(asked)

    theirs = by_shap[..., 1] if by_shap.ndim == 3 else by_shap
    ours = np.array([explanation.contributions for explanation in case.explained()])
    assert len(set(order)) == background.shape[1] == 3
    assert ours == pytest.approx(theirs[:, order], abs=1e-7)  # shap adds up in float32 in part


def test_one_row_is_explained_as_among_others(made: Made) -> None:
    case = made(FOREST, Preparation(), "three")

    one_by_one = [explain(case.deployment, {name: cells[place] for name, cells in case.asked.items()}) for place in range(3)]

    assert one_by_one == case.explained()
    assert [explanation.of for explanation in one_by_one] == case.deployment.predict(case.asked)[0]


def test_a_background_of_many_rows_is_a_part_of_them(made: Made) -> None:
    case = made(FOREST, Preparation(), "two", background=200)

    explanation = case.explained()[0]

    assert explanation.background == 64
    assert explanation.base + sum(explanation.contributions) == pytest.approx(explanation.margin, abs=1e-9)


def test_a_forest_of_very_many_leaves_is_compared_with_fewer_rows_and_stays_exact(made: Made) -> None:
    case = made(RandomForestClassifier(600, random_state=1), Preparation(), "three", background=48)

    explanation = case.explained()[0]

    assert sum(tree.get_n_leaves() for tree in case.pipeline[-1].estimators_) > 20_000
    assert explanation.background == 16
    of_three_the_second = replace(case, background={name: cells[1::3] for name, cells in case.background.items()})
    assert explanation.base == pytest.approx(of_three_the_second.margins(of_three_the_second.background, explanation).mean(), abs=1e-9)
    assert explanation.contributions == pytest.approx(of_three_the_second.by_all_mixes(0, explanation), abs=1e-9)


def test_a_leaf_that_every_mix_is_open_to_is_counted_for_each(made: Made) -> None:
    """64 rows that are like the one explained, and four joint columns: 6 * 64 mixes of two columns are more than a byte counts."""

    def alike(count: int, seed: int) -> pd.DataFrame:
        if seed == 1:  # the rows to learn from
            return patients(count, seed)
        rows = pd.concat([patients(1, 4).assign(age=50.0, after=400.0)] * count, ignore_index=True)
        return rows.assign(dose=0.5, before=600.0) if seed == 2 else rows.assign(dose=0.6, before=601.0)

    case = made(FOREST, Preparation(), "two", background=64, rows=alike)

    explanation = case.explained()[0]

    assert explanation.background == 64
    assert explanation.contributions == pytest.approx(case.by_all_mixes(0, explanation), abs=1e-9)
    assert np.abs(explanation.contributions).max() > 0


def test_trees_that_answer_the_same_to_every_row_add_nothing(made: Made) -> None:
    case = made(RandomForestClassifier(3, min_samples_leaf=200, random_state=1), Preparation(), "two")

    explanation = case.explained()[0]

    assert explanation.margin == explanation.base
    assert explanation.contributions == (0.0,) * len(FEATURES)


@pytest.mark.parametrize("estimator", [FOREST, LogisticRegression(max_iter=3_000)], ids=["forest", "logistic regression"])
def test_a_model_with_a_column_made_of_many_others_is_sampled(
    estimator: BaseEstimator, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixing, "MOST_JOINT", 1)
    monkeypatch.setattr(sampling, "MIXES", 600)
    assert made(estimator, Preparation(), "two").explained()[0].method == "sampled"


def test_a_bundle_that_is_gone_or_changed_is_not_explained(made: Made) -> None:
    case = made(LogisticRegression(max_iter=3_000), Preparation(), "two")
    contract = case.deployment.folder / "contract.json"
    written = contract.read_bytes()

    contract.write_bytes(written.replace(b"11111", b"22222"))
    with pytest.raises(BundleError, match="has changed since it was measured"):
        case.explained()
    contract.unlink()
    with pytest.raises(BundleError, match="Release the model again"):
        case.explained()


def test_more_columns_than_a_word_has_bits_are_explained(tmp_path: Path) -> None:
    """A forest that asks about 70 columns: patterns of two words, compared with the answers to mixes of the few that differ."""
    names = [f"c{number}" for number in range(70)]
    random = np.random.default_rng(1)
    rows = pd.DataFrame(random.normal(size=(400, 70)), columns=names)
    spec = classifier_spec(
        "wide", Columns({name: Numeric() for name in names}, TARGETS["two"]), FOREST, preparation=Preparation(scale=False)
    )
    pipeline = build(spec, {}).fit(rows, (rows[names[:66]].sum(axis=1) > 0).astype(int))
    background = rows.head(BACKGROUND).copy()
    moving = [0, 1, 63, 64, 65, 69]
    fixed = [name for place, name in enumerate(names) if place not in moving]
    background[fixed] = background[fixed].iloc[0].to_numpy()
    asked = rows.iloc[[50]].copy()
    asked[fixed] = background[fixed].iloc[:1].to_numpy()
    case = served(tmp_path, spec, pipeline, background, asked)

    explanation = case.explained()[0]

    mixes = range(1 << len(moving))
    mixed = {name: cells * len(mixes) for name, cells in case.background.items()}
    for bit, place in enumerate(moving):
        cells = case.background[names[place]]
        mixed[names[place]] = [cell for mix in mixes for cell in (case.asked[names[place]] * len(cells) if mix >> bit & 1 else cells)]
    expected = np.zeros(70)
    expected[moving] = by_formula(case.margins(mixed, explanation).reshape(len(mixes), -1).mean(axis=1))
    assert explanation.contributions == pytest.approx(expected, abs=1e-9)
    assert np.abs(expected).max() > 0.01


def test_the_nodes_of_a_graph_are_read_as_by_the_package_onnx(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    rows = patients(300, 1)[["age", "dose", "before"]].fillna(50)
    graph = leaf_graph(FOREST.fit(rows, answers_of(patients(300, 1), TARGETS["two"])), gaps=True)

    found = attributes(graph, "model.onnx")

    for attribute in onnx.load_from_string(graph).graph.node[0].attribute:
        if attribute.ints or attribute.floats:
            assert found[attribute.name].tolist() == list(attribute.ints or attribute.floats), attribute.name


@pytest.mark.parametrize("content", [b"", b"\x00", b"\xff" * 40, b":\x02\n\x00", b":\x04\n\x02*\x00"])
def test_a_file_that_is_no_graph_is_refused(content: bytes) -> None:
    with pytest.raises(BundleError, match=r"model\.onnx: expected a graph of trees"):
        attributes(content, "model.onnx")
