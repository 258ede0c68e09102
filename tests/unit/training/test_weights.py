"""Weights of rows: checked in the file, used in every fit and every figure, and unknown to callers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import IntDistribution
from sklearn import metrics
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from slipway.bundle.compiling import contract_columns
from slipway.data import samples
from slipway.data.snapshots import SAMPLE_TABLE
from slipway.data.validation import validate
from slipway.drafting.drafting import draft
from slipway.errors import InvalidRowsError, SlipwayError, SpecError
from slipway.problems.regression.calibration import _quantile, _weighted_quantile
from slipway.records import Snapshot, Tuned
from slipway.spec import Columns, Gate, ModelSpec, Numeric, Preparation, Quantity, Split
from slipway.training.card.card import card
from slipway.training.evidence.evidence import TrainedModel, gather
from slipway.training.measuring import measure
from slipway.training.networks import ConvolutionalNetwork
from slipway.training.pipelines import build
from slipway.training.search.trials import Objective
from slipway.training.search.tuning import choose_threshold
from slipway.training.splitting import Rows, folds, split

BINARY = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")


@pytest.fixture
def weighted(toy: ModelSpec) -> ModelSpec:
    """The toy with a weight of each row; nothing in its fit but the weights depends on the number of rows."""
    return replace(
        toy, columns=replace(toy.columns, excluded={}, weight="stands for"), preparation=Preparation(scale=False), folds=3, search_space={}
    )


def table(count: int = 240, seed: int = 3) -> pd.DataFrame:
    """Red toys are wanted more often among rows of a large weight."""
    random = np.random.default_rng(seed)
    weights, colour, weight = random.integers(1, 6, count), random.choice(["red", "blue"], count), random.normal(2, 0.4, count).round(2)
    size = random.integers(0, 100, count)
    wanted = np.where(weights > 2, colour == "red", size > 50) ^ (random.random(count) < 0.2)
    return pd.DataFrame({"size": size, "weight": weight, "colour": colour, "wanted": wanted.astype(int), "stands for": weights / 2})


def read(spec: ModelSpec, rows: pd.DataFrame, folder: Path) -> pd.DataFrame:
    rows.to_csv(folder / "toy.csv", index=False)
    return validate(spec, folder / "toy.csv")


def tuned(spec: ModelSpec, **changes: Any) -> Tuned:
    given = {
        "model": spec.name, "study": "study", "parameters": {}, "score": 0.5, "metric": spec.metric,
        "trials": 1, "folds": spec.folds, "repeats": 1, "seed": 1,
    }  # fmt: skip
    return Tuned(**(given | changes))


# the file


def test_the_weight_is_read_and_no_feature(weighted: ModelSpec, tmp_path: Path) -> None:
    rows = table()

    found = read(weighted, rows, tmp_path)

    assert list(found) == ["size", "weight", "colour", "wanted", "stands for"]
    assert found["stands for"].tolist() == rows["stands for"].tolist()
    assert [column.name for column in contract_columns(weighted)] == ["size", "weight", "colour"]
    assert weighted.columns.file_columns == ["size", "weight", "colour", "wanted", "stands for"]


@pytest.mark.parametrize("cell", ["-1", "", "heavy", "inf", "nan"])
def test_a_weight_that_is_none_is_refused_with_its_place(weighted: ModelSpec, tmp_path: Path, cell: str) -> None:
    rows = table().astype({"stands for": object})
    rows.loc[3, "stands for"] = cell
    text = rows.to_csv(index=False, na_rep="nan")
    (tmp_path / "toy.csv").write_text(text)

    with pytest.raises(InvalidRowsError, match=f"'stands for' has the weights of the rows: expected numbers from 0 up: line 5 '{cell}'"):
        validate(weighted, tmp_path / "toy.csv")


def test_weights_that_are_all_zero_are_refused(weighted: ModelSpec, tmp_path: Path) -> None:
    with pytest.raises(InvalidRowsError, match="'stands for' has the weights of the rows, but each is 0"):
        read(weighted, table().assign(**{"stands for": 0}), tmp_path)
    with pytest.raises(InvalidRowsError, match="column 'stands for' is missing"):
        read(weighted, table().drop(columns="stands for"), tmp_path)


def test_a_class_without_any_weight_in_one_part_is_refused(weighted: ModelSpec, tmp_path: Path) -> None:
    rows = read(weighted, table(), tmp_path)
    test = split(weighted, rows).test.index
    rows.loc[test, "stands for"] = rows.loc[test, "stands for"].where(rows.loc[test, "wanted"] == 0, 0.0)

    with pytest.raises(SlipwayError, match="in column 'stands for', the weights of all test rows of the class 1 are 0"):
        split(weighted, rows)


def test_only_the_proportions_of_weights_count(weighted: ModelSpec, tmp_path: Path) -> None:
    rows = read(weighted, table(), tmp_path)
    parts = split(weighted, rows)
    thousands = split(weighted, rows.assign(**{"stands for": rows["stands for"] * 1000}))

    assert parts.train_weights is not None
    assert parts.test_weights is not None
    assert parts.train_weights.mean() == pytest.approx(1)
    assert np.allclose(parts.train_weights, rows.loc[parts.train.index, "stands for"] / rows.loc[parts.train.index, "stands for"].mean())
    assert np.allclose(thousands.test_weights, parts.test_weights)
    assert split(replace(weighted, columns=replace(weighted.columns, weight="")), rows).train_weights is None


def test_sample_rows_have_the_same_weight(weighted: ModelSpec, tmp_path: Path) -> None:
    rows = read(weighted, table(), tmp_path)

    drawn = samples.draw(weighted, samples.derive(weighted, rows))
    drawn.to_csv(tmp_path / "sample.csv", index=False)

    assert set(validate(weighted, tmp_path / "sample.csv", SAMPLE_TABLE)["stands for"]) == {1.0}


# fits


ESTIMATORS: dict[str, BaseEstimator] = {
    "logistic regression": LogisticRegression(C=1e9, tol=1e-9, max_iter=10_000),
    "tree": DecisionTreeClassifier(max_depth=3, random_state=1),
    "pipeline": make_pipeline(Binarizer(threshold=40), DecisionTreeClassifier(max_depth=3, random_state=1)),
    "histogram": HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=1, early_stopping=False, max_bins=255),
}


def repeated(rows: Rows) -> tuple[pd.DataFrame, pd.Series]:
    """Return the training rows, each as often as its weight says."""
    times = np.rint(np.asarray(rows.train_weights) / np.asarray(rows.train_weights).min()).astype(int)
    return rows.train.loc[rows.train.index.repeat(times)], rows.train_labels.loc[rows.train.index.repeat(times)]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_model_and_its_baselines_learn_from_a_row_as_if_it_were_there_as_often_as_it_weighs(
    weighted: ModelSpec, tmp_path: Path, name: str
) -> None:
    spec = replace(weighted, estimator=ESTIMATORS[name], baseline=DecisionTreeClassifier(max_depth=2))
    rows = split(spec, read(spec, table(), tmp_path))
    features, labels = repeated(rows)

    found = measure(spec, rows, tuned(spec))

    twin = clone(found.pipeline).fit(features, labels)
    evenly = clone(found.pipeline).fit(rows.train, rows.train_labels)
    assert np.allclose(found.pipeline.predict_proba(rows.test), twin.predict_proba(rows.test), atol=1e-5)
    assert not np.allclose(found.pipeline.predict_proba(rows.test), evenly.predict_proba(rows.test), atol=1e-2)
    answered = found.pipeline.predict(rows.test)
    expected = metrics.accuracy_score(rows.test_labels, answered, sample_weight=rows.test_weights)
    assert found.metrics["accuracy"] == pytest.approx(expected)
    assert found.metrics["accuracy"] != pytest.approx(metrics.accuracy_score(rows.test_labels, answered))
    frequent = labels.mode()[0]
    share = np.average(rows.test_labels == frequent, weights=rows.test_weights)
    assert found.baselines["most_frequent"]["accuracy"] == pytest.approx(share)
    assert set(found.baselines) == {"most_frequent", "reference"}


def test_with_a_threshold_the_pipeline_inside_learns_from_the_weights(weighted: ModelSpec, tmp_path: Path) -> None:
    rows = split(weighted, read(weighted, table(), tmp_path))
    plain, decided = (measure(weighted, rows, tuned(weighted, threshold=threshold)).pipeline for threshold in (None, 0.3))

    assert np.array_equal(decided.predict_proba(rows.test), plain.predict_proba(rows.test))
    assert np.array_equal(decided.predict(rows.test), (plain.predict_proba(rows.test)[:, 1] >= 0.3).astype(int))
    assert decided.feature_names_in_.tolist() == ["size", "weight", "colour"]


@pytest.mark.parametrize("metric", ["accuracy", "neg_log_loss", "roc_auc"])  # of labels, of probabilities, of their order
@pytest.mark.parametrize("forest", [False, True])  # forests of a search share trees
def test_the_search_fits_and_scores_by_weights(weighted: ModelSpec, tmp_path: Path, metric: str, forest: bool) -> None:
    estimator = RandomForestClassifier(max_depth=4, random_state=1) if forest else LogisticRegression()
    space, parameters = ({"n_estimators": IntDistribution(5, 15)}, {"n_estimators": 15}) if forest else ({}, {})
    gate = Gate(-9.0 if metric == "neg_log_loss" else 0.5)
    spec = replace(weighted, estimator=estimator, search_space=space, metric=metric, gate=gate)
    rows = split(spec, read(spec, table(), tmp_path))
    objective, weights = Objective(spec, rows), np.asarray(rows.train_weights)

    for fold, (learnt, held_out) in enumerate(folds(spec, rows, 3, 1)):
        model = build(spec, parameters).fit(rows.train.iloc[learnt], rows.train_labels.iloc[learnt], model__sample_weight=weights[learnt])
        expected = metrics.get_scorer(metric)(
            model, rows.train.iloc[held_out], rows.train_labels.iloc[held_out], sample_weight=weights[held_out]
        )

        assert objective.score(parameters, fold) == pytest.approx(expected)


def test_a_threshold_is_chosen_by_weights(weighted: ModelSpec, tmp_path: Path) -> None:
    spec = replace(weighted, tune_threshold=True, metric="f1", estimator=LogisticRegression(C=1e-3))
    rows = split(spec, read(spec, table(600), tmp_path))
    weights = np.asarray(rows.train_weights)

    def score(threshold: float) -> float:
        """The mean of the weighted figure over the folds."""
        found = []
        for learnt, held_out in folds(spec, rows, 3, 1):
            model = build(spec, {}).fit(rows.train.iloc[learnt], rows.train_labels.iloc[learnt], model__sample_weight=weights[learnt])
            said = (model.predict_proba(rows.train.iloc[held_out])[:, 1] >= threshold).astype(int)
            found.append(metrics.f1_score(rows.train_labels.iloc[held_out], said, sample_weight=weights[held_out]))
        return float(np.mean(found))

    chosen = choose_threshold(spec, rows, {})

    assert score(chosen) >= max(map(score, np.linspace(0.05, 0.95, 19))) - 0.002  # its grid is finer, and lies elsewhere
    assert score(chosen) > score(0.5) + 0.01


def test_weights_of_equal_size_change_no_figure(weighted: ModelSpec, tmp_path: Path) -> None:
    rows = table().assign(**{"stands for": 2.5})
    without = replace(weighted, columns=replace(weighted.columns, weight="", excluded={"stands for": "not used"}))

    ours = measure(weighted, split(weighted, read(weighted, rows, tmp_path)), tuned(weighted))
    theirs = measure(without, split(without, read(without, rows, tmp_path)), tuned(without))

    assert ours.metrics == pytest.approx(theirs.metrics)
    assert ours.baselines["most_frequent"] == pytest.approx(theirs.baselines["most_frequent"])


# a number


def test_a_regression_learns_from_weights_and_its_interval_and_figures_count_by_them(toy: ModelSpec, tmp_path: Path) -> None:
    """Rows of a large weight have large errors, so that the interval must reach further than it would if each counted once."""
    random = np.random.default_rng(4)
    size, weights = random.integers(0, 100, 400), random.choice([1.0, 20.0], 400, p=[0.9, 0.1])
    price = 3.0 * size + random.normal(0, np.where(weights > 1, 30, 3))
    pd.DataFrame({"size": size, "stands for": weights, "price": price}).to_csv(tmp_path / "toy.csv", index=False)
    spec = replace(
        toy,
        columns=Columns({"size": Numeric(0, 100, "cm", "Size")}, Quantity("price", "EUR", "Price"), weight="stands for"),
        split=Split(0.25, 1, stratify=False), estimator=LinearRegression(), search_space={}, metric="mean_absolute_error", gate=Gate(50),
    )  # fmt: skip
    rows = split(spec, validate(spec, tmp_path / "toy.csv"))
    pipeline = measure(spec, rows, tuned(spec, reach=1.0)).pipeline
    problem = spec.problem
    reaches = [
        problem.reach(clone(pipeline), rows.train, rows.train_labels, folds=found, seed=1, weights=given)
        for found in (5, folds(spec, rows, 5, 1))
        for given in (None, rows.train_weights)
    ]

    found = measure(spec, rows, tuned(spec, reach=reaches[1]))

    assert reaches[1] > 1.2 * reaches[0]
    assert reaches[3] > 1.2 * reaches[2]
    answered, truth = found.pipeline.predict(rows.test), rows.test_labels
    assert found.metrics["mean_absolute_error"] == pytest.approx(
        metrics.mean_absolute_error(truth, answered, sample_weight=rows.test_weights)
    )
    assert found.metrics["r2"] == pytest.approx(metrics.r2_score(truth, answered, sample_weight=rows.test_weights))
    within = np.average(np.abs(truth - answered) <= reaches[1], weights=rows.test_weights)
    assert found.metrics["interval_coverage"] == pytest.approx(within)
    assert within > 0.8


def test_a_quantile_by_weights_is_that_of_repeated_rows() -> None:
    random = np.random.default_rng(5)
    residuals, times = random.normal(size=200) ** 2, random.integers(1, 4, 200)

    for level in (0.5, 0.8, 0.9, 0.99):
        assert _weighted_quantile(residuals, level, np.ones(200)) == _quantile(residuals, level)
        # one row more of a mean weight, not of weight 1, moves the rank by less than a row
        near = [_quantile(np.repeat(residuals, times), level + step / times.sum()) for step in (-2, 2)]
        assert near[0] <= _weighted_quantile(residuals, level, times.astype(float)) <= near[1]


# figures


def test_every_figure_counts_by_weights_as_scikit_learns_do(weighted: ModelSpec, tmp_path: Path) -> None:
    rows = split(weighted, read(weighted, table(), tmp_path))
    evaluation = measure(weighted, rows, tuned(weighted)).evaluation
    truth, said, positive, weights = evaluation.truth, evaluation.labels, evaluation.positive, rows.test_weights

    expected = {name: getattr(metrics, f"{name}_score")(truth, said, sample_weight=weights) for name in BINARY}
    expected |= {
        "f1_macro": metrics.f1_score(truth, said, average="macro", sample_weight=weights),
        "neg_log_loss": -metrics.log_loss(truth, evaluation.probabilities, sample_weight=weights),
        "roc_auc": metrics.roc_auc_score(truth, positive, sample_weight=weights),
        "average_precision": metrics.average_precision_score(truth, positive, sample_weight=weights),
    }
    assert evaluation.figures() == pytest.approx(expected)
    mask = np.arange(evaluation.rows) % 2 == 0
    part = evaluation.only(mask)
    assert part.figure("accuracy") == pytest.approx(np.average(part.right, weights=np.asarray(weights)[mask]))
    assert part.counting(None).figure("accuracy") == pytest.approx(part.right.mean())
    assert sum(map(sum, evaluation.confusion())) == len(rows.test)


def test_a_class_that_is_never_predicted_has_figures_of_0_with_weights_too(weighted: ModelSpec, tmp_path: Path) -> None:
    rows = split(weighted, read(weighted, table(), tmp_path))
    silent = weighted.problem.evaluation([0, 1], [0, 0], np.array([[0.9, 0.1], [0.6, 0.4]]))

    assert silent.counting(np.array([1.0, 1.0])).figures() == pytest.approx(silent.figures())
    assert rows.test_weights is not None


def test_the_card_says_what_counts_by_weights_and_what_does_not(weighted: ModelSpec, tmp_path: Path) -> None:
    rows = split(weighted, read(weighted, table(), tmp_path))
    spec = replace(weighted, slices={"colour": ()})
    measured = measure(spec, rows, tuned(spec))
    snapshot = Snapshot(model=spec.name, path=tmp_path / "toy.csv", sha256="0" * 64, origin="toy.csv", rows=240, sample=False)
    trained = TrainedModel(spec, snapshot, tuned(spec), rows, measured)
    evidence = gather(trained)

    text = " ".join(card(trained, evidence, "c0ffee").split())

    assert "Each row has a weight, `stands for`: the model and the simpler models learn from it" in text
    assert "Rows, each counted once, without its weight." in text
    assert "Each row counts with its weight; strata and clusters of a survey are not known here. Percentile bootstrap, 1,000" in text
    assert "Wilson" not in text
    low, high = evidence.intervals["accuracy"]
    assert low < measured.metrics["accuracy"] < high
    of_red = next(part for part in evidence.slices if part.name == "colour = red")
    red = (rows.test["colour"] == "red").to_numpy()
    assert of_red.figures["accuracy"] == pytest.approx(
        np.average(measured.evaluation.right[red], weights=np.asarray(rows.test_weights)[red])
    )
    without = card(replace(trained, spec=replace(spec, columns=replace(spec.columns, weight=""))), evidence, "c0ffee")
    assert "weight, `" not in without
    assert "without its weight" not in without


# what is declared


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"estimator": KNeighborsClassifier()},
            "toy: KNeighborsClassifier takes no weights of rows, so weight='stands for' would not count",
        ),
        ({"estimator": CalibratedClassifierCV(KNeighborsClassifier())}, "CalibratedClassifierCV takes no weights of rows"),
        ({"estimator": make_pipeline(PCA(2), KNeighborsClassifier())}, "Pipeline takes no weights of rows"),
        ({"baseline": KNeighborsClassifier()}, "KNeighborsClassifier takes no weights of rows"),
    ],
)
def test_an_estimator_that_would_ignore_weights_is_refused(weighted: ModelSpec, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(weighted, **changes)
    replace(weighted, estimator=CalibratedClassifierCV(SVC()))


@pytest.mark.parametrize(
    "declare",
    [
        lambda columns: replace(columns, weight="size"),
        lambda columns: replace(columns, weight="wanted"),
        lambda columns: replace(columns, weight="id", excluded={"id": "names the toy"}),
    ],
)
def test_a_weight_is_nothing_else(weighted: ModelSpec, declare: Callable[[Columns], Columns]) -> None:
    with pytest.raises(SpecError, match="is used as something else too; a weight is no feature"):
        declare(weighted.columns)


def test_a_draft_asks_whether_a_column_has_the_weights(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    count = 200
    pd.DataFrame(
        {
            "age": random.integers(18, 90, count),
            "survey_weight": random.uniform(100, 900, count).round(1),
            "income": random.normal(2000, 300, count).round(),
            "ill": random.integers(0, 2, count),
        }
    ).to_csv(tmp_path / "survey.csv", index=False)

    asks = draft("survey", str(tmp_path / "survey.csv"), "ill").asks

    assert [ask for ask in asks if "Columns(weight=...)" in ask] == [
        "survey_weight: is it for how many people or things a row stands? Then take it out of the features, and name it in "
        "Columns(weight=...)."
    ]


@pytest.mark.slow
def test_a_network_learns_from_weights() -> None:
    random = np.random.default_rng(5)
    numbers = random.normal(size=(300, 12)).astype(np.float32)
    names = np.where(numbers[:, 0] + random.normal(size=300) > 0, "yes", "no")
    quick = ConvolutionalNetwork(filters=4, learning_rate=2e-2, epochs=6, patience=6, batch_size=16, balance=0.5, random_state=1)

    evenly, same = clone(quick).fit(numbers, names), clone(quick).fit(numbers, names, sample_weight=np.ones(300))
    for_yes = clone(quick).fit(numbers, names, sample_weight=np.where(names == "yes", 20.0, 1.0))
    without_balance = clone(quick).set_params(balance=0.0).fit(numbers, names, sample_weight=np.where(names == "yes", 20.0, 1.0))

    assert np.allclose(same.predict_proba(numbers), evenly.predict_proba(numbers), atol=1e-4)
    said = [(network.predict(numbers) == "yes").sum() for network in (evenly, for_yes, without_balance)]
    assert said[0] < said[2]
    assert said[1] <= said[2]
