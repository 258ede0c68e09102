"""Predicting a number: what is declared, the figures and their directions, intervals, and what a version answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from slipway.comparison.paired import compare
from slipway.data import samples
from slipway.data.tables.numbers import numbers
from slipway.data.validation import validate
from slipway.errors import SpecError
from slipway.problems.regression.evaluation import QuantityEvaluation
from slipway.problems.regression.output import QuantityOutput
from slipway.problems.regression.problem import Regression
from slipway.problems.serving import ClassOutput
from slipway.spec import Gate, ModelSpec, Quantity, Split, Target
from slipway.training.evidence.intervals import intervals
from tests.support.progression import progression

PRICE = Quantity("price", "EUR", "Price", low=1, high=1000)
PLAIN = QuantityOutput("EUR", "Price", coverage=0.8, reach=10.0, low=0, high=105)
COUNT = QuantityOutput("calls", "Calls", coverage=0.8, reach=float(np.log(2)), low=0, log=True)


def answers(rows: int, error: float, seed: int = 1) -> QuantityEvaluation:
    """Predictions that miss the outcome by about `error`, with intervals of 2 `error` to either side."""
    generator = np.random.default_rng(seed)
    truth = np.random.default_rng(0).uniform(10, 100, size=rows)
    predicted = truth + generator.normal(0, error, size=rows)
    ends = np.column_stack([predicted - 2 * error, predicted + 2 * error])
    return QuantityEvaluation(PRICE, truth.tolist(), predicted.tolist(), ends)


# what is declared


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Quantity("price", "EUR", "Price", low=5, high=5), "target price: the range 5 to 5 is empty"),
        (lambda: Quantity("price", "EUR", "Price", low=float("nan")), "target price: low=nan is not a number"),
        (lambda: Quantity("price", "EUR", "Price", log=True), r"log=True learns log\(1 \+ number\), so it needs low=0 or more"),
        (lambda: Quantity("price", "EUR", "Price", coverage=90), "target price: coverage=90: expected a share from 0.5 to less than 1"),
    ],
)
def test_a_number_that_cannot_be_true_is_refused(declare: Callable[[], Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        declare()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"estimator": LogisticRegression(), "search_space": {}}, "LogisticRegression predicts classes, and the target target is a number"),
        ({"split": Split(0.2, 1, stratify=True)}, "stratify=True keeps the shares of classes, and the target target is a number"),
        ({"tune_threshold": True}, "tune_threshold needs a target with classes, and target is a number"),
        ({"metric": "accuracy"}, "metric='accuracy' is not measured for this target; use one of r2, mean_absolute_error"),
        ({"metric": "mean_absolute_percentage_error"}, "divides by the outcome, and target may be 0; declare low above 0"),
        ({"gate": Gate(floor=-1)}, "floor=-1: mean_absolute_error is an error, so floor is the largest accepted one; it must be above 0"),
        ({"gate": Gate(floor=2), "metric": "r2"}, "floor=2: r2 is 1 at most, so no model could reach it"),
        ({"gate": Gate(floor=50, slice_floor=40)}, "slice_floor=40 is below floor=50, and mean_absolute_error is an error"),
        ({"baseline": LogisticRegression()}, r"baseline=LogisticRegression\(\) predicts classes, and the target target is a number"),
    ],
)
def test_a_declaration_that_does_not_fit_a_number_is_refused_when_it_is_read(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=f"^progression: .*{message}"):
        progression(tmp_path, **changes)


def test_a_regressor_with_classes_is_refused_when_it_is_read(toy: ModelSpec) -> None:
    with pytest.raises(SpecError, match=r"toy: Ridge predicts numbers, and the target wanted has classes; .*Quantity\(\.\.\.\)"):
        replace(toy, estimator=Ridge(), search_space={})
    with pytest.raises(SpecError, match="toy: Pipeline predicts numbers"):
        replace(toy, estimator=make_pipeline(StandardScaler(), Ridge()), search_space={})


def test_the_kind_of_problem_follows_from_the_target(tmp_path: Path, toy: ModelSpec) -> None:
    spec = progression(tmp_path)

    assert (spec.problem, spec.lower_is_better, toy.lower_is_better) == (Regression(spec.columns.target), True, False)
    assert not progression(tmp_path, metric="r2", gate=Gate(floor=0.3)).lower_is_better


# figures


def test_every_figure_equals_scikit_learns_also_for_rows_that_count_several_times() -> None:
    found = answers(101, error=8.0)
    weights = np.random.default_rng(5).integers(0, 4, size=101)
    rows = np.repeat(np.arange(101), weights)
    truth, predicted, ends = np.array(found.truth)[rows], np.array(found.labels)[rows], found.numbers[rows]
    losses = [metrics.mean_pinball_loss(truth, ends[:, 0], alpha=0.05), metrics.mean_pinball_loss(truth, ends[:, 1], alpha=0.95)]

    assert found.weighted().figures(weights.astype(float)) == pytest.approx(
        {
            "r2": metrics.r2_score(truth, predicted),
            "mean_absolute_error": metrics.mean_absolute_error(truth, predicted),
            "median_absolute_error": metrics.median_absolute_error(truth, predicted),
            "root_mean_squared_error": metrics.root_mean_squared_error(truth, predicted),
            "mean_absolute_percentage_error": metrics.mean_absolute_percentage_error(truth, predicted),
            "interval_coverage": np.mean((truth >= ends[:, 0]) & (truth <= ends[:, 1])),
            "interval_width": 32.0,
            "mean_pinball_loss": np.mean(losses),
        }
    )


def test_a_figure_that_the_rows_do_not_define_is_left_out() -> None:
    found = QuantityEvaluation(PRICE, [5.0, 5.0], [4.0, 7.0], np.empty((2, 0)))

    assert found.figures() == {
        "mean_absolute_error": 1.5,
        "median_absolute_error": 1.5,
        "root_mean_squared_error": pytest.approx(np.sqrt(2.5)),
        "mean_absolute_percentage_error": pytest.approx(0.3),
    }
    assert "mean_absolute_percentage_error" not in QuantityEvaluation(PRICE, [0.0, 5.0], [4.0, 7.0], np.empty((2, 0))).figures()


def test_each_figure_has_an_interval_around_it() -> None:
    found = answers(200, error=8.0)
    around = intervals(found, seed=1)

    assert set(around) == set(found.figures())
    assert all(low <= found.figure(name) <= high for name, (low, high) in around.items())


# intervals around answers


def test_the_interval_reaches_as_far_as_the_out_of_fold_residuals_and_covers_new_rows() -> None:
    generator = np.random.default_rng(3)
    features = generator.normal(size=(2_000, 3))
    truth = 50 + features @ [3, 2, 1] + generator.normal(0, 5, size=2_000)
    problem = Regression(replace(PRICE, coverage=0.8))
    reach = problem.reach(Ridge(), features[:1_000], truth[:1_000], folds=5, seed=1)
    model = Ridge().fit(features[:1_000], truth[:1_000])

    labels, ends = problem.output(None, reach).of_model(model, features[1_000:])
    found = problem.evaluation(truth[1_000:].tolist(), labels, ends)

    assert reach == pytest.approx(1.2816 * 5, rel=0.1)  # 80 % of a normal distribution are within 1.28 standard deviations
    assert found.figure("interval_coverage") == pytest.approx(0.8, abs=0.04)


def test_a_transformed_target_is_learnt_as_a_logarithm_and_answered_as_itself() -> None:
    generator = np.random.default_rng(3)
    features = generator.normal(size=(400, 1))
    calls = np.expm1(6 + features[:, 0] + generator.normal(0, 0.1, size=400)).clip(0)
    problem = Regression(Quantity("calls", "calls", "Calls", low=0, log=True))
    model = problem.wrapped(Ridge()).fit(features, calls)
    reach = problem.reach(Ridge(), features, calls, folds=5, seed=1)
    output = problem.output(None, reach)
    labels, ends = output.of_model(model, features)

    raw = model.regressor_.predict(features).reshape(-1, 1)  # what an engine returns
    assert output.labels(raw) == pytest.approx(labels)
    assert reach == pytest.approx(1.645 * 0.1, rel=0.2)
    assert np.log1p(ends[:, 1]) - np.log1p(labels) == pytest.approx(reach)
    assert np.all(ends[:, 0] >= 0)


def test_an_interval_ends_where_the_number_is_impossible() -> None:
    raw = np.array([[5.0], [50.0], [100.0]])

    assert PLAIN.labels(raw) == [5.0, 50.0, 100.0]
    assert PLAIN.numbers(raw).tolist() == [[0.0, 15.0], [40.0, 60.0], [90.0, 105.0]]
    assert COUNT.numbers(np.array([[np.log1p(9.0)]])) == pytest.approx(np.array([[4.0, 19.0]]))  # 10 / 2 - 1 and 10 * 2 - 1


def test_answers_differ_by_more_than_rounding_or_not_at_all() -> None:
    measured = PLAIN.intervals([50.0, 60.0, 70.0])
    received = [50.0 + 1e-12, 60.001, float("nan")]

    assert PLAIN.differ(measured, [50.0, 60.0, 70.0], PLAIN.intervals(received), received, 1e-6).tolist() == [False, True, True]
    assert PLAIN.same(50.0, 50.0 + 1e-9)
    assert not PLAIN.same(50.0, 50.1)
    assert PLAIN.agrees(50.0, 59.9)
    assert not PLAIN.agrees(50.0, 60.1)
    assert COUNT.agrees(9.0, 18.9)
    assert not COUNT.agrees(9.0, 19.1)


# what is written and read


def test_an_answer_is_written_as_its_schema_says() -> None:
    [answer] = PLAIN.predictions(["id-0"], [12.5], [[2.5, 22.5]], [msgspec.UNSET])
    written = msgspec.json.decode(msgspec.json.encode(answer))

    assert written == {"prediction_id": "id-0", "prediction": 12.5, "interval": [2.5, 22.5]}
    assert PLAIN.header() == {"coverage": 0.8, "unit": "EUR"}
    for name, schema in PLAIN.of_prediction().items():
        jsonschema.validate(written[name], schema)
    for name, schema in PLAIN.of_header().items():
        jsonschema.validate(PLAIN.header()[name], schema)


@pytest.mark.parametrize(
    ("cell", "outcome"), [(12, 12.0), (12.5, 12.5), (0, 0.0), (105, 105.0), (105.1, None), (-1, None), (True, None), ("12", None)]
)
def test_an_outcome_is_a_possible_number(cell: Any, outcome: float | None) -> None:
    assert PLAIN.outcome(cell) == outcome
    assert type(PLAIN.outcome(cell)) in (float, type(None))
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        assert jsonschema.Draft202012Validator(PLAIN.of_outcome()).is_valid(cell) is (outcome is not None)


def test_what_is_no_finite_number_is_no_outcome() -> None:
    assert COUNT.outcome(10**400) is None
    assert COUNT.outcome(float("inf")) is None
    assert (PLAIN.expected_outcome, COUNT.expected_outcome) == ("a number from 0 to 105 (EUR)", "a number from 0 (calls)")
    assert PLAIN.outcome(PLAIN.example) == 52.5


def test_a_contract_keeps_every_digit() -> None:
    output = QuantityOutput("EUR", "Price", 0.9, reach=0.1 + 0.2, low=None, high=1e300)

    assert msgspec.json.decode(msgspec.json.encode(output), type=QuantityOutput) == output


def test_versions_with_another_unit_or_another_kind_of_answer_cannot_be_compared() -> None:
    classes = ClassOutput((0, 1), ("well", "ill"), positive=1, threshold=None)

    assert PLAIN.mismatch(QuantityOutput("EUR", "Price of a flat", 0.9, 3.0)) == ""
    assert PLAIN.mismatch(COUNT) == "their units differ: expected EUR, received calls"
    assert PLAIN.mismatch(classes) == "one predicts a number and the other classes"
    assert classes.mismatch(PLAIN) == "one predicts classes and the other a number"
    problem = Regression(PRICE)
    assert [problem.comparable(one) for one in (PLAIN, COUNT, classes)] == [True, False, False]


# champion and challenger


def test_the_model_with_the_smaller_errors_is_the_better_one() -> None:
    good, poor = answers(400, error=4.0, seed=1), answers(400, error=8.0, seed=2)

    better, worse = (compare("mean_absolute_error", champion=one, challenger=other) for one, other in ((poor, good), (good, poor)))

    assert (better.verdict, worse.verdict) == ("challenger better", "champion better")
    assert better.error
    gaps = np.abs(good.residuals) - np.abs(poor.residuals)
    reach = 1.959964 * gaps.std(ddof=1) / 20  # of a mean of 400
    assert (better.error.difference, better.low, better.high) == pytest.approx((gaps.mean(), gaps.mean() - reach, gaps.mean() + reach))
    assert (better.accuracy, better.auc, better.error.lower_is_better) == (None, None, True)
    assert better.only_challenger_right + better.only_champion_right == better.disagreeing == 400


@pytest.mark.parametrize("metric", ["root_mean_squared_error", "median_absolute_error", "r2"])
def test_a_figure_without_a_formula_is_compared_on_resampled_rows_in_its_own_direction(metric: str) -> None:
    good, poor = answers(400, error=4.0, seed=1), answers(400, error=8.0, seed=2)

    assert compare(metric, champion=poor, challenger=good).verdict == "challenger better"
    assert compare(metric, champion=good, challenger=poor).verdict == "champion better"


def test_equal_models_are_seldom_told_apart_although_the_comparison_is_repeated() -> None:
    wrong = 0
    for seed in range(40):
        ours, theirs = answers(600, error=5.0, seed=2 * seed + 10), answers(600, error=5.0, seed=2 * seed + 11)
        verdicts = [
            compare("mean_absolute_error", champion=theirs.only(first), challenger=ours.only(first), repeated=True).verdict
            for first in (np.arange(600) < rows for rows in range(60, 601, 60))
        ]
        wrong += any(verdict != "no difference shown" for verdict in verdicts)
    assert wrong <= 5  # 2 of 40 are expected at most; 95 % intervals would give about 8


# rows


def test_cells_of_a_file_that_are_no_possible_number_are_named() -> None:
    def places(cells: Any) -> str:
        return ", ".join(cells)

    problem = Regression(PRICE)
    values, wrong = problem.read(pd.Series(["12.5", " 3 "], name="price"), places, numbers)
    assert (values.tolist(), wrong) == ([12.5, 3.0], [])
    _, wrong = problem.read(pd.Series(["12.5", "", "many", "2000", "inf"], name="price"), places, numbers)
    assert wrong == [
        "target 'price' has missing values: .",
        "target 'price' has text where numbers (EUR) were expected: many, inf.",
        "target 'price' is outside 1 to 1000 EUR: 2000.",
    ]
    assert problem.read(pd.Series(["5", "5"], name="price"), places, numbers)[1] == [
        "target 'price' has the same value in every row; there is nothing to predict."
    ]


def test_a_column_that_is_the_target_in_another_unit_leaks_the_answer() -> None:
    rows = pd.DataFrame({"cents": [100.0, 250.0, 900.0], "size": [1.0, 5.0, 2.0], "price": [1.0, 2.5, 9.0]})

    assert Regression(PRICE).leaks(rows, ["cents", "size"]) == [
        "column 'cents' determines the target 'price' by itself: it leaks the answer. Exclude it with a reason."
    ]


def test_sample_rows_keep_the_distribution_of_the_target() -> None:
    problem = Regression(PRICE)
    rows = pd.DataFrame({"price": np.random.default_rng(1).lognormal(3, 1, size=500).clip(1, 1000)})
    groups = problem.groups(rows)

    drawn = np.array([float(cell) for name, part in groups.items() for cell in problem.cells_of_group(name, len(part))])

    assert (len(groups), len(drawn)) == (10, 500)
    assert np.quantile(drawn, [0.1, 0.5, 0.9]) == pytest.approx(np.quantile(rows["price"], [0.1, 0.5, 0.9]), rel=0.1)


def test_a_band_has_no_end_that_is_the_number_of_one_row_and_a_frequent_number_loses_no_rows() -> None:
    prices = np.concatenate([np.zeros(250), np.random.default_rng(1).lognormal(3, 1, size=250).clip(1, 1000)])
    rows = pd.DataFrame({"price": prices})

    groups = Regression(PRICE).groups(rows, fewest=5)

    assert sum(map(len, groups.values())) == 500
    assert len(groups["0.0 to 0.0"]) == 250
    ends = {float(end) for name in groups for end in name.split(" to ")} - {0.0}
    assert ends & set(prices) == set()
    few = Regression(PRICE).groups(rows.tail(3), fewest=5)
    assert [len(part) for part in few.values()] == [3]
    assert [float(end) for end in next(iter(few)).split(" to ")] == pytest.approx([prices[-3:].mean()] * 2)


def test_sample_rows_of_a_number_are_valid_rows(tmp_path: Path) -> None:
    spec = progression(tmp_path)
    facts = samples.derive(spec, validate(spec, tmp_path / "progression.csv"))
    samples.draw(spec, facts).to_csv(tmp_path / "sample.csv", index=False)

    drawn = validate(spec, tmp_path / "sample.csv")

    assert len(drawn) == 442
    assert drawn["target"].mean() == pytest.approx(152, rel=0.1)
    assert np.corrcoef(drawn["bmi"], drawn["target"])[0, 1] > 0.3  # it is 0.59 among the real rows


def test_drift_made_on_purpose_moves_the_outcomes() -> None:
    problem, generator = Regression(PRICE), np.random.default_rng(1)
    truth = np.linspace(1, 1000, 400)

    moved = truth[problem.places_of_label_drift(truth.astype(object), 0.5, 2_000, generator)]
    shifted = problem.outcomes_of_concept_drift(truth.tolist(), 0.5, np.arange(len(truth)))

    assert moved.mean() > truth.mean() + 100
    assert shifted[0] == pytest.approx(1 + truth.std() / 2)
    assert max(shifted) == 1000.0


def test_classes_still_need_classes() -> None:
    with pytest.raises(SpecError, match="a classifier needs two classes or more"):
        Target("price", {})
