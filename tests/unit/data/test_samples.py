"""Sample rows are the same everywhere, look like the original per class, and repeat none of its rows."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from slipway.catalogue import catalogue, lookup
from slipway.data.samples import MOST_ROWS, QUANTILES, derive, draw, generate, main, rows_of_classes, statistics
from slipway.data.validation import validate
from slipway.errors import SlipwayError
from slipway.records import Snapshot
from slipway.spec import ModelSpec


def test_the_same_bytes_come_out_every_time(heart: ModelSpec, snapshot: Snapshot, tmp_path: Path) -> None:
    again = generate(heart, tmp_path)

    assert again.path.read_bytes() == snapshot.path.read_bytes()
    assert again.path.name == snapshot.path.name == f"heart-failure-sample-{snapshot.sha256[:12]}.csv"


def test_another_seed_gives_other_rows(heart: ModelSpec, snapshot: Snapshot, tmp_path: Path) -> None:
    assert generate(replace(heart, split=replace(heart.split, seed=7)), tmp_path).sha256 != snapshot.sha256


def test_the_snapshot_says_that_it_is_a_sample(snapshot: Snapshot) -> None:
    assert snapshot.sample
    assert snapshot.origin == "sample:heart-failure"
    assert snapshot.rows == len(pd.read_csv(snapshot.path))


def test_rows_are_valid_and_each_class_has_as_many_as_the_original(heart: ModelSpec, snapshot: Snapshot) -> None:
    known = {int(label): facts["rows"] for label, facts in statistics(heart)["classes"].items()}

    rows = validate(heart, snapshot.path)

    assert rows["HeartDisease"].value_counts().to_dict() == known == {0: 410, 1: 508}


@pytest.mark.parametrize(
    ("original", "sample"),
    [
        ({"0": 410, "1": 508}, {"0": 410, "1": 508}),
        ({"0": 87_664, "1": 8_482}, {"0": 1_823, "1": 176}),  # 2,000 * 87,664 / 96,146 = 1,823.6
        ({"a": 300_000, "b": 150_000, "c": 99}, {"a": 1_267, "b": 633, "c": 99}),  # 1,901 are left for a and b
        ({"a": 300_000, "b": 150_000, "c": 100}, {"a": 1_266, "b": 633, "c": 100}),
        ({str(label): 10_000 for label in range(40)} | {"rare": 1}, {str(label): 49 for label in range(40)} | {"rare": 1}),
    ],
)
def test_a_sample_has_at_most_2000_rows_in_the_proportions_of_the_original(original: dict[str, int], sample: dict[str, int]) -> None:
    assert rows_of_classes(original) == sample
    assert sum(sample.values()) <= MOST_ROWS == 2_000


@pytest.mark.parametrize("model", catalogue())
def test_no_model_has_more_sample_rows(model: str) -> None:
    assert len(draw(lookup(model), statistics(lookup(model)))) <= MOST_ROWS


def test_statistics_of_generated_rows_are_near_those_they_were_drawn_from(heart: ModelSpec, snapshot: Snapshot) -> None:
    kept, drawn = statistics(heart), derive(heart, validate(heart, snapshot.path))

    for label, facts in kept["classes"].items():
        again = drawn["classes"][label]
        # Dvoretzky, Kiefer and Wolfowitz: P(sup |F_n - F| > e) <= 2 exp(-2 n e^2). With 2 classes of 11 columns, e for one
        # chance in a million per column: e = sqrt(ln(2 / 1e-6) / (2 n)), that is 0.13 for n = 410 and 0.12 for n = 508.
        near = math.sqrt(math.log(2 / 1e-6) / (2 * facts["rows"]))
        for name, column in heart.columns.numeric.items():
            # so the quantile at p lies between the original's quantiles at p - e and p + e, one grid step and a rounding apart
            step, rounding = 1 / (QUANTILES - 1), 0.5 * 10.0 ** -facts["columns"][name]["decimals"]
            levels, quantiles = np.linspace(0, 1, QUANTILES), facts["columns"][name]["quantiles"]
            low, high = np.interp([levels - near - step, levels + near + step], levels, quantiles)
            found = np.array(again["columns"][name]["quantiles"])
            assert ((low - rounding <= found) & (found <= high + rounding)).all(), (label, name)
            assert not column.integer or again["columns"][name]["decimals"] == 0
        for name in heart.columns.categorical:
            shares = [
                np.array(list(known["columns"][name].values())) / facts["rows"] for known in (facts, again)
            ]  # a share is a difference of two values of F, so it is off by 2 e at most
            assert np.abs(shares[0] - shares[1]).max() <= 2 * near, (label, name)


def test_codes_are_drawn_as_often_as_they_occur_and_never_between_two(tmp_path: Path) -> None:
    spec = lookup("student-dropout-svm")
    drawn = validate(spec, generate(spec, tmp_path).path)
    kept = statistics(spec)["classes"]["Graduate"]["columns"]["Father's occupation"]
    graduates = drawn[drawn["Target"] == "Graduate"]["Father's occupation"]

    assert set(kept) == {str(code) for code in range(1, 47)}
    assert {str(code) for code in graduates} <= {code for code, count in kept.items() if count}
    assert (graduates == 10).mean() == pytest.approx(kept["10"] / sum(kept.values()), abs=0.03)


def test_models_of_one_data_set_draw_the_same_rows(tmp_path: Path) -> None:
    one, other = (generate(lookup(name), tmp_path) for name in ("student-dropout-cnn", "student-dropout-svm"))

    assert one.sha256 == other.sha256


def test_derived_statistics_draw_the_same_rows_as_the_kept_ones(heart: ModelSpec, real_csv: Path) -> None:
    derived = derive(heart, validate(heart, real_csv))

    pd.testing.assert_frame_equal(draw(heart, derived), draw(heart, statistics(heart)))


def test_no_sample_row_is_a_row_of_the_original(heart: ModelSpec, snapshot: Snapshot, real_csv: Path) -> None:
    original = set(validate(heart, real_csv).astype({"Oldpeak": float}).itertuples(index=False, name=None))
    drawn = set(validate(heart, snapshot.path).astype({"Oldpeak": float}).itertuples(index=False, name=None))

    assert len(original) == 918  # none repeats another
    assert not original & drawn


def test_a_model_without_statistics_says_how_to_derive_them(toy: ModelSpec, tmp_path: Path) -> None:
    with pytest.raises(SlipwayError, match=r"toy: there are no statistics to draw sample rows from.*`slipway samples toy`"):
        generate(toy, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_the_command_without_arguments_says_how_it_is_used() -> None:
    with pytest.raises(SystemExit, match=r"python -m slipway\.data\.samples heart-failure heart\.csv"):
        main([])
