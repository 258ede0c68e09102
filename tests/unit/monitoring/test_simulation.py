"""Simulated rows keep the contract, drift as they are asked to and no other way, and are the same for the same seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from slipway.errors import SimulationError
from slipway.monitoring.simulation.drawing import USUAL, DriftKind, Stream, simulate
from slipway.spec import Category, Columns, ModelSpec, Numeric, Target
from slipway.training.seen_rows import learnt, seen
from slipway.training.splitting import Rows


@pytest.fixture(scope="module")
def ward(toy: ModelSpec) -> ModelSpec:
    columns = Columns(
        features={
            "age": Numeric(0, 120, "years", "Age", integer=True),
            "pressure": Numeric(0, 300, "mm Hg", "Pressure; 0 = not measured", integer=True, zero_is_missing=True),
            "depth": Numeric(-1.5, 2.5, "mm", "Depth"),
            "smokes": Numeric(0, 1, "0 or 1", "Smokes", integer=True),
            "clinic": Numeric(1, 9, "code", "Clinic", integer=True, nominal=True),
            "sex": Category(("F", "M"), "Sex"),
        },
        target=Target("fate", {"better": "is better", "same": "is as before", "worse": "is worse"}),
    )
    return replace(toy, columns=columns, metric="accuracy")


@pytest.fixture(scope="module")
def rows(ward: ModelSpec) -> Rows:
    generator = np.random.default_rng(4)
    count = 600
    frame = pd.DataFrame(
        {
            "age": generator.integers(20, 100, count),
            "pressure": generator.integers(90, 180, count) * (generator.random(count) > 0.2),
            "depth": generator.uniform(-1.5, 2.5, count),
            "smokes": generator.choice([0, 1], count, p=[0.8, 0.2]),
            "clinic": generator.choice([1, 2, 7], count, p=[0.6, 0.3, 0.1]),
            "sex": generator.choice(["F", "M"], count, p=[0.3, 0.7]),
        }
    )
    labels = pd.Series(generator.choice(["better", "same", "worse"], count, p=[0.5, 0.35, 0.15]))
    return Rows(frame[:400], labels[:400], frame[400:], labels[400:])


def shares(stream: Stream) -> dict[object, float]:
    return {label: count / len(stream.outcomes) for label, count in Counter(stream.outcomes).items()}


@pytest.mark.parametrize("kind", list(USUAL))
def test_rows_keep_the_contract_and_the_same_seed_gives_the_same(ward: ModelSpec, rows: Rows, kind: DriftKind) -> None:
    stream, again, other = (simulate(ward, rows, kind, 700, seed=seed) for seed in (3, 3, 4))

    assert list(stream.rows) == ward.columns.names
    assert len(stream.rows) == len(stream.outcomes) == 700
    for name, feature in ward.columns.features.items():
        cells = stream.rows[name]
        assert cells.isin(feature.values).all() if isinstance(feature, Category) else cells.between(feature.low, feature.high).all()
        assert cells.dtype == rows.test[name].dtype
    assert set(stream.outcomes) <= set(ward.columns.target.labels)
    assert again.rows.equals(stream.rows)
    assert again.outcomes == stream.outcomes
    assert not other.rows.equals(stream.rows)


def test_rows_that_do_not_drift_are_test_rows_with_their_labels(ward: ModelSpec, rows: Rows) -> None:
    stream = simulate(ward, rows, "none", 50)
    known = {(*row, label) for row, label in zip(rows.test.itertuples(index=False, name=None), rows.test_labels, strict=True)}

    assert {(*row, label) for row, label in zip(stream.rows.itertuples(index=False, name=None), stream.outcomes, strict=True)} <= known


def test_covariates_move_by_standard_deviations_and_towards_the_rarest_values(ward: ModelSpec, rows: Rows) -> None:
    before, after = (simulate(ward, rows, kind, 2_000, size=size).rows for kind, size in (("none", None), ("covariate", 0.5)))  # type: ignore[arg-type]

    assert (after["age"] - before["age"]).eq(round(rows.train["age"].std(ddof=0) * 0.5)).mean() > 0.9  # but where the contract ends
    assert ((after["pressure"] == 0) == (before["pressure"] == 0)).all()  # what was not measured still is not
    assert after["depth"].max() == 2.5
    for name, rarest in (("smokes", 1), ("clinic", 7), ("sex", "F")):
        usual = (rows.test[name] == rarest).mean()
        assert (after[name] == rarest).mean() == pytest.approx(usual + (1 - usual) / 4, abs=0.04)  # size / 2 of the others


def test_the_share_of_the_rarest_class_moves_and_the_rows_of_each_class_stay(ward: ModelSpec, rows: Rows) -> None:
    usual = (rows.test_labels == "worse").mean()
    stream = simulate(ward, rows, "label", 4_000, size=0.4)

    assert shares(stream)["worse"] == pytest.approx(usual + 0.4, abs=0.03)
    of_class = stream.rows[[outcome == "worse" for outcome in stream.outcomes]].drop_duplicates()
    assert len(of_class.merge(rows.test[rows.test_labels == "worse"].drop_duplicates())) == len(of_class)


def test_a_share_that_cannot_grow_so_far_shrinks_instead(ward: ModelSpec, rows: Rows, toy: ModelSpec) -> None:
    two = replace(ward, columns=replace(ward.columns, target=Target("fate", {"better": "is", "worse": "is not"}, positive="better")))
    mostly = replace_labels(rows, ["better"] * 160 + ["worse"] * 40)

    assert shares(simulate(two, mostly, "label", 4_000, size=0.3))["better"] == pytest.approx(0.5, abs=0.03)
    with pytest.raises(SimulationError, match=r"0.80 of the rows are 'better'; a share cannot be 1.70 or -0.10"):
        simulate(two, mostly, "label", 10, size=0.9)


def test_a_concept_moves_by_its_share_of_outcomes_and_the_rows_stay(ward: ModelSpec, rows: Rows) -> None:
    before, after = simulate(ward, rows, "none", 3_000), simulate(ward, rows, "concept", 3_000, size=0.25)
    changed = [(old, new) for old, new in zip(before.outcomes, after.outcomes, strict=True) if old != new]

    assert after.rows.equals(before.rows)
    labels = ward.columns.target.labels
    assert len(changed) == 750
    assert set(changed) == set(zip(labels, [*labels[1:], labels[0]], strict=True))
    first = after.rows[next(iter(ward.columns.numeric))]
    turned = np.array([old != new for old, new in zip(before.outcomes, after.outcomes, strict=True)])
    assert first[turned].min() >= first[~turned].max()  # so there is something to learn


def test_fresh_rows_are_none_of_the_data_set_and_keep_the_contract(ward: ModelSpec, rows: Rows) -> None:
    stream = simulate(ward, rows, "none", 500, fresh=True)

    assert stream.rows.dtypes.equals(rows.test.dtypes)
    assert not seen(stream.rows, learnt(pd.concat([rows.train, rows.test]))).any()
    for name, kind in ward.columns.numeric.items():
        assert (
            stream.rows[name].dropna().between(-np.inf if kind.low is None else kind.low, np.inf if kind.high is None else kind.high).all()
        )


@pytest.mark.parametrize(
    ("kind", "size", "message"),
    [
        ("none", 0.1, "rows that do not drift have no size"),
        ("covariate", 0.0, "expected standard deviations, above 0"),
        ("covariate", 11.0, "at most 10"),
        ("label", 1.1, "expected a share, above 0 and at most 1"),
        ("concept", -0.1, "expected a share"),
        ("concept", float("nan"), "expected a share"),
    ],
)
def test_an_impossible_size_is_refused(ward: ModelSpec, rows: Rows, kind: DriftKind, size: float, message: str) -> None:
    with pytest.raises(SimulationError, match=message):
        simulate(ward, rows, kind, 10, size=size)


def replace_labels(rows: Rows, labels: list[str]) -> Rows:
    return Rows(rows.train, rows.train_labels, rows.test, pd.Series(labels))
