"""Drift is found in its own column only, and rows like the training rows have not drifted: all kinds of columns, by Evidently."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from slipway.monitoring.drift import drift, homogeneity
from slipway.monitoring.drift.drift import Reference
from slipway.monitoring.findings import ColumnDrift, DriftFinding
from slipway.spec import Category, Columns, Drift, ModelSpec, Numeric, Target, Watch

COLOURS = ("amber", "blue", "red", "white")


@pytest.fixture(scope="module")
def shop(toy: ModelSpec) -> ModelSpec:
    """A model with a column of each kind, and three classes."""
    columns = Columns(
        features={
            "weight": Numeric(-100, 100, "kg", "Weight"),
            "orders": Numeric(0, 100, "orders", "Orders, mostly none", integer=True),
            "member": Numeric(0, 1, "0 or 1", "Is a member", integer=True),
            "shop": Numeric(1, 40, "code", "Which shop", integer=True, nominal=True),
            "colour": Category(COLOURS, "Colour"),
        },
        target=Target("fate", {"kept": "is kept", "lost": "is lost", "sold": "is sold"}),
    )
    return replace(toy, columns=columns, metric="accuracy")


def served(rows: int, seed: int) -> pd.DataFrame:
    """Draw rows of one and the same distribution; shop 40 and white are rare."""
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "weight": generator.normal(10.0, 2.0, rows),
            "orders": generator.poisson(0.4, rows),
            "member": generator.integers(2, size=rows),
            "shop": generator.choice([1, 2, 3, 39, 40], rows, p=[0.5, 0.3, 0.1, 0.098, 0.002]),
            "colour": generator.choice(COLOURS, rows, p=[0.4, 0.3, 0.299, 0.001]),
        }
    )


def labels(rows: int, seed: int, lost: float = 0.2) -> list[str]:
    return np.random.default_rng(seed).choice(["kept", "lost", "sold"], rows, p=[0.7 - lost, lost, 0.3]).tolist()


@pytest.fixture(scope="module")
def learnt() -> Reference:
    return Reference(served(700, seed=1), labels(300, seed=1), labels(300, seed=2))


Judge = Callable[..., DriftFinding]


@pytest.fixture(scope="module")
def judge(shop: ModelSpec, learnt: Reference) -> Judge:
    """Judge a window of 500 rows, whose columns keywords replace."""

    def judged(answers: list[str] | None = None, rows: int = 500, **columns: Any) -> DriftFinding:
        return drift.find(shop, learnt, served(rows, seed=7).assign(**columns), answers or labels(rows, seed=7))

    return judged


def of(found: DriftFinding, name: str) -> ColumnDrift:
    return next(column for column in found.all if column.column == name)


@pytest.mark.parametrize("rows", [100, 500, 20_000])
@pytest.mark.slow
def test_rows_like_those_learnt_from_have_not_drifted(judge: Judge, rows: int) -> None:
    found = judge(rows=rows)

    assert found.drifted == []
    assert [column.column for column in found.all] == ["weight", "orders", "member", "shop", "colour", "predicted fate"]
    assert {column.test for column in found.all} == {"ks", "homogeneity"}
    assert {column.significance for column in found.all} == {0.01 / 6}  # six columns, the prediction being one


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("weight", lambda rows: rows["weight"] + 1.0),  # half a standard deviation
        ("orders", lambda rows: rows["orders"] + (np.arange(len(rows)) % 2)),
        ("member", lambda rows: np.where(np.arange(len(rows)) % 5 == 0, 0, 1)),  # 80 % instead of half
        ("shop", lambda rows: rows["shop"].replace(1, 2)),
        ("colour", lambda rows: rows["colour"].replace("red", "blue")),
    ],
)
def test_a_shift_is_found_in_its_column_alone(judge: Judge, column: str, cells: Callable[[pd.DataFrame], Any]) -> None:
    found = judge(**{column: cells(served(500, seed=7))})

    assert found.drifted == [column]


def test_another_share_of_labels_is_found_and_called_after_the_target(judge: Judge) -> None:
    assert judge(answers=labels(500, seed=7, lost=0.5)).drifted == ["predicted fate"]


def test_a_small_shift_is_no_drift_even_if_many_rows_prove_it(judge: Judge) -> None:
    found = of(judge(rows=20_000, weight=served(20_000, seed=7)["weight"] + 0.3), "weight")  # 0.15 of a standard deviation

    assert found.p_value <= found.significance
    assert found.distance < found.threshold
    assert not found.drifted


def test_a_distance_that_chance_explains_is_no_drift(shop: ModelSpec, learnt: Reference) -> None:
    few = served(500, seed=7).assign(weight=served(500, seed=7)["weight"] + 1.2).head(30)

    found = of(drift.find(shop, learnt, few, labels(30, seed=7)), "weight")

    assert found.distance >= found.threshold
    assert found.p_value > found.significance
    assert not found.drifted


def test_new_values_and_absent_values_are_named(judge: Judge) -> None:
    rows = served(500, seed=7)
    one, many = rows["shop"].where(rows.index > 0, 17), rows["shop"].replace({3: 1, 40: 1})

    assert judge(shop=one).new == {"shop": ["17"]}
    assert judge(shop=one).drifted == []  # one row in a new shop is no drift
    found = judge(shop=many, colour=rows["colour"].replace("white", "red"))
    assert found.absent == {"shop": ["3"]}  # white and 40 are too rare to be missed
    assert found.drifted == ["shop"]


def test_a_value_that_the_window_is_too_small_to_hold_is_not_missed(judge: Judge) -> None:
    rows = served(80, seed=7)

    assert judge(rows=80, shop=rows["shop"].replace({3: 1, 39: 1, 40: 1})).absent == {}  # a tenth of 80 rows are 8, fewer than 10


def test_a_whole_number_is_the_same_as_integer_and_as_float(judge: Judge) -> None:
    rows = served(500, seed=7)

    assert judge(shop=rows["shop"].astype(float), member=rows["member"].astype(float)) == judge()


@pytest.mark.parametrize("method", [{"distance": name} for name in ("psi", "jensenshannon", "hellinger", "kl_div")] + [{"test": "t_test"}])
def test_every_method_finds_the_shift_and_leaves_the_rest(shop: ModelSpec, learnt: Reference, method: dict[str, str]) -> None:
    spec = replace(shop, watch=Watch(drift=Drift(threshold=0.2, **method)))

    found = drift.find(spec, learnt, served(500, seed=7).assign(weight=lambda rows: rows["weight"] + 2.0), labels(500, seed=7))

    assert found.drifted == ["weight"]
    assert of(found, "colour").test == "homogeneity"  # a test of numbers cannot compare colours: the usual one stands in


def test_a_column_that_never_changes_is_no_drift_until_it_does(shop: ModelSpec, learnt: Reference) -> None:
    constant = Reference(learnt.training.assign(weight=3.0, colour="red"), ["kept"] * 300, ["kept"] * 300)
    same = served(500, seed=7).assign(weight=3.0, colour="red")

    assert drift.find(shop, constant, same, ["kept"] * 500).drifted == []
    other = drift.find(shop, constant, same.assign(weight=4.0, colour="blue"), ["lost"] * 500)
    assert other.drifted == ["weight", "colour", "predicted fate"]
    assert other.new == {"colour": ["blue"], "predicted fate": ["lost"]}
    assert other.absent == {"colour": ["red"], "predicted fate": ["kept"]}


def test_a_window_without_rows_is_an_error(shop: ModelSpec, learnt: Reference) -> None:
    with pytest.raises(ValueError, match="700 cells of the reference, 0 of the window"):
        drift.find(shop, learnt, served(0, seed=1), [])


def test_the_test_of_homogeneity_keeps_its_level() -> None:
    generator = np.random.default_rng(3)
    shares = [0.6, 0.2, 0.1, 0.05, 0.03, 0.015, 0.005]  # the last two are rare: random tables stand in

    def p_value() -> float:
        first, second = (pd.Series(generator.choice(list("abcdefg"), rows, p=shares)) for rows in (700, 500))
        return homogeneity.p_value(first, second)

    # of 100 windows 5 are due at 5 %; from 1 to 13 lie 99 % of what chance makes of it (binomial)
    assert 1 <= sum(p_value() <= 0.05 for _ in range(100)) <= 13


def test_one_row_with_a_new_value_proves_nothing_and_a_tenth_of_them_does() -> None:
    before = pd.Series(["a"] * 60_000 + ["b"] * 17_000)
    served = ["a"] * 390 + ["b"] * 110

    assert homogeneity.p_value(before, pd.Series([*served[:-1], "new"])) > 0.001
    assert homogeneity.p_value(before, pd.Series([*served[50:], *["new"] * 50])) <= 1e-4
