"""Splits by time and by groups: the test rows, the folds of the search, and the column that only decides them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from slipway.data import samples
from slipway.data.snapshots import SAMPLE_TABLE
from slipway.data.validation import validate
from slipway.errors import InvalidRowsError, SlipwayError, SpecError
from slipway.spec import Category, Columns, Date, ModelSpec, Numeric, Quantity, Split, Target
from slipway.training.search.trials import Objective
from slipway.training.search.tuning import choose_threshold
from slipway.training.splitting import folds, split

Declare = Callable[..., ModelSpec]
BY_PATIENT = Split(test=0.25, seed=1, stratify=True, group="patient")
BY_TIME = Split(test=0.25, seed=1, stratify=False, by="day")


@pytest.fixture
def declared(toy: ModelSpec) -> Declare:
    """A toy whose day and patient are excluded columns."""

    def of(wanted: Split, **changes: Any) -> ModelSpec:
        columns = replace(toy.columns, excluded={"day": "only decides the split", "patient": "names a person"})
        return replace(toy, **({"columns": columns, "split": wanted, "folds": 4} | changes))

    return of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    random = np.random.default_rng(3)
    count = 240
    days = pd.Timestamp("2025-01-01") + pd.to_timedelta(random.permutation(count), unit="D")
    table = pd.DataFrame(
        {
            "size": random.integers(0, 100, count),
            "weight": random.normal(2, 0.4, count).round(2),
            "colour": random.choice(["red", "blue"], count),
            "day": days.strftime("%Y-%m-%d"),
            "patient": [f"p{number}" for number in random.integers(0, 60, count)],
            "wanted": random.integers(0, 2, count),
        }
    )
    table.to_csv(tmp_path / "toy.csv", index=False)
    return tmp_path / "toy.csv"


@pytest.mark.parametrize("stratify", [True, False])
def test_no_patient_is_in_both_parts_nor_on_both_sides_of_a_fold(declared: Declare, file: Path, stratify: bool) -> None:
    spec = declared(replace(BY_PATIENT, stratify=stratify))
    rows = validate(spec, file)

    found = split(spec, rows)
    trained, tested = (set(rows["patient"].loc[part.index]) for part in (found.train, found.test))
    both_sides = [
        set(found.groups.iloc[learnt]) & set(found.groups.iloc[scored])  # type: ignore[union-attr]
        for learnt, scored in folds(spec, found, 4, 2)
    ]

    assert not trained & tested
    assert len(trained | tested) == rows["patient"].nunique()
    assert 0.15 < len(found.test) / len(rows) < 0.35
    assert both_sides == [set()] * 8
    assert list(found.train.columns) == spec.columns.names  # the model does not see the patient
    assert split(spec, rows).test.index.equals(found.test.index)


def test_the_test_rows_are_the_latest_and_each_fold_learns_from_what_was_before(declared: Declare, file: Path) -> None:
    spec = declared(BY_TIME)
    rows = validate(spec, file)

    found = split(spec, rows)
    days = rows["day"].loc[found.train.index].to_numpy()

    assert rows["day"].loc[found.test.index].min() > days.max()
    assert len(found.test) == 60  # a quarter of 240
    assert [days[learnt].max() < days[scored].min() for learnt, scored in folds(spec, found, 4, 1)] == [True] * 4


def test_a_feature_may_decide_the_split_too(declared: Declare, file: Path) -> None:
    features = {"size": Numeric(0, 100, "cm", "Size"), "day": Date("Day"), "colour": Category(("red", "blue"), "Colour")}
    columns = Columns(features, Target("wanted", {0: "left", 1: "wanted"}, positive=1), {"patient": "a name", "weight": "not needed"})
    by_day, by_size = (declared(replace(BY_TIME, by=name), columns=columns) for name in ("day", "size"))

    for spec, name in ((by_day, "day"), (by_size, "size")):
        found = split(spec, validate(spec, file))
        assert found.train[name].max() <= found.test[name].min()
        assert list(found.train.columns) == ["size", "day", "colour"]


@pytest.mark.parametrize("wanted", [BY_TIME, BY_PATIENT])
@pytest.mark.slow
def test_hyperparameters_and_threshold_are_chosen_on_these_folds(declared: Declare, file: Path, wanted: Split) -> None:
    spec = declared(wanted, metric="f1", tune_threshold=True)
    rows = split(spec, validate(spec, file))

    scores = [Objective(spec, rows).score({"C": 1.0}, fold) for fold in range(4)]

    assert all(0 <= score <= 1 for score in scores)
    assert 0 <= choose_threshold(spec, rows, {"C": 1.0}) <= 1


@pytest.mark.parametrize("wanted", [replace(BY_TIME, by="day"), replace(BY_PATIENT, stratify=False)])
def test_the_interval_of_a_number_reaches_as_far_as_these_folds_say(declared: Declare, file: Path, wanted: Split) -> None:
    features = {"size": Numeric(0, 100, "cm", "Size"), "colour": Category(("red", "blue"), "Colour")}
    excluded = {"day": "only decides the split", "patient": "names a person", "wanted": "another target"}
    columns = Columns(features, Quantity("weight", "kg", "Weight"), excluded)
    spec = declared(wanted, columns=columns, estimator=Ridge(), search_space={}, metric="r2")
    rows = split(spec, validate(spec, file))
    places = folds(spec, rows, 4, 1)

    reach = spec.problem.reach(Ridge(), rows.train[["size"]], rows.train_labels, folds=places, seed=1)

    distances = [
        abs(Ridge().fit(rows.train[["size"]].iloc[one], rows.train_labels.iloc[one]).predict(rows.train[["size"]].iloc[other])
            - rows.train_labels.iloc[other])
        for one, other in places
    ]  # fmt: skip
    ordered = np.sort(np.concatenate(distances))
    assert reach == pytest.approx(ordered[int(np.ceil((len(ordered) + 1) * spec.columns.target.coverage)) - 1])  # type: ignore[union-attr]


@pytest.mark.parametrize("wanted", [BY_TIME, BY_PATIENT])
def test_sample_rows_can_be_split_too(declared: Declare, file: Path, wanted: Split) -> None:
    spec = declared(wanted)

    samples.draw(spec, samples.derive(spec, validate(spec, file))).to_csv(file, index=False)
    rows = split(spec, validate(spec, file, SAMPLE_TABLE))

    assert len(rows.test) > 40


def test_repeated_rows_are_found_without_the_column_of_the_split(declared: Declare, file: Path, toy: ModelSpec) -> None:
    spec = declared(BY_PATIENT, dataset=replace(toy.dataset, drop_duplicates=True))
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines, ",".join([*lines[1].split(",")[:4], "somebody else", lines[1].split(",")[5]])]) + "\n")

    assert len(validate(spec, file)) == 240


@pytest.mark.parametrize(
    ("wanted", "column", "cell", "message"),
    [
        (BY_PATIENT, "patient", "", "column 'patient' decides the split, but has missing values: line 2 ''"),
        (BY_TIME, "day", "", "column 'day' decides the split, but has missing values: line 2 ''"),
        (BY_TIME, "day", "31/12/2025", "column 'day' decides the split, but has neither numbers nor ISO dates: line 2 '31/12/2025'"),
    ],
)
def test_a_cell_that_cannot_decide_the_split_is_named(
    declared: Declare, file: Path, wanted: Split, column: str, cell: str, message: str
) -> None:
    table = pd.read_csv(file, dtype=str)
    table.loc[0, column] = cell
    table.to_csv(file, index=False)

    with pytest.raises(InvalidRowsError, match=message):
        validate(declared(wanted), file)


def test_a_file_without_the_column_is_refused(declared: Declare, file: Path) -> None:
    pd.read_csv(file).drop(columns="patient").to_csv(file, index=False)

    with pytest.raises(InvalidRowsError, match="column 'patient' is missing"):
        validate(declared(BY_PATIENT), file)


def test_a_part_without_a_class_and_too_few_groups_are_refused(declared: Declare, file: Path) -> None:
    rows = validate(declared(BY_TIME), file)
    late = rows.assign(wanted=(rows["day"] > "2025-06-01").astype(int))
    few = validate(declared(BY_PATIENT), file).assign(patient="p1")

    with pytest.raises(SlipwayError, match=r"the test rows of the split by 'day' have none of the class 0\. Use fewer folds"):
        split(declared(BY_TIME), late)
    with pytest.raises(SlipwayError, match="the split by 'patient' needs 4 different values at least, received 1"):
        split(declared(BY_PATIENT), few)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda of: Split(0.2, 1, False, by="day", group="patient"), "cannot both decide; leave one of them out"),
        (lambda of: Split(0.2, 1, True, by="day"), "set stratify=False"),
        (lambda of: of(replace(BY_TIME, by="month")), "by='month' is neither a feature nor an excluded column"),
        (lambda of: of(replace(BY_PATIENT, group="wanted")), "group='wanted' is neither a feature nor an excluded column"),
        (lambda of: of(replace(BY_TIME, by="colour")), "by='colour' has no order; expected a number or a date"),
        (lambda of: of(BY_TIME, repeats=2), "repeats=2: folds in the order of 'day' cannot be shuffled again"),
    ],
)
def test_a_split_that_cannot_be_is_refused(declared: Declare, declare: Callable[[Declare], Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        declare(declared)
