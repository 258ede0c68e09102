"""Figures by slice: every row in one slice of a feature, counts beside figures, and nonsense refused by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from slipway.errors import SpecError
from slipway.problems.classification.evaluation import Evaluation
from slipway.spec import ModelSpec
from slipway.training.evidence.slices import by_slice, masks


@pytest.fixture(scope="module")
def sliced(toy: ModelSpec) -> ModelSpec:
    return replace(toy, slices={"colour": (), "size": (10, 20)})


@pytest.fixture(scope="module")
def features() -> pd.DataFrame:
    # 30 red toys below 10 cm, 5 blue ones of 10 to 14 cm
    return pd.DataFrame({"size": [5] * 30 + [10, 11, 12, 13, 14], "weight": 1.0, "colour": ["red"] * 30 + ["blue"] * 5})


@pytest.fixture(scope="module")
def answers(toy: ModelSpec) -> Evaluation:
    # the red: 15 wanted, all found, and 3 of the 15 others taken for wanted; the blue: none wanted, none found
    truth, labels = [1] * 15 + [0] * 20, [1] * 18 + [0] * 17
    wanted = np.where(np.array(labels) == 1, 0.8, 0.3)
    return Evaluation(toy.columns.target, truth, labels, np.column_stack([1 - wanted, wanted]))


def test_each_slice_has_the_figures_of_its_own_rows(sliced: ModelSpec, features: pd.DataFrame, answers: Evaluation) -> None:
    red, blue, *_ = by_slice(sliced, features, answers)

    assert (red.feature, red.name, red.rows, red.enough) == ("colour", "colour = red", 30, True)
    assert red.figures["accuracy"] == pytest.approx(27 / 30)
    assert red.figures["precision"] == pytest.approx(15 / 18)
    assert red.figures["recall"] == 1.0
    assert red.interval is not None
    assert red.interval[0] < 27 / 30 < red.interval[1]
    assert (blue.rows, blue.figures["accuracy"]) == (5, 1.0)
    assert not {"recall", "roc_auc"} & set(blue.figures)  # no blue toy is wanted


def test_a_slice_of_few_rows_or_none_is_shown_as_too_small(sliced: ModelSpec, features: pd.DataFrame, answers: Evaluation) -> None:
    found = {part.name: part for part in by_slice(sliced, features, answers)}

    assert list(found) == ["colour = red", "colour = blue", "size < 10", "10 <= size < 20", "size >= 20"]
    assert [part.rows for part in found.values()] == [30, 5, 30, 5, 0]
    assert [part.enough for part in found.values()] == [True, False, True, False, False]
    assert (found["size >= 20"].figures, found["size >= 20"].interval) == ({}, None)


def test_every_row_is_in_one_slice_of_each_feature(sliced: ModelSpec, features: pd.DataFrame) -> None:
    for feature in sliced.slices:
        members = [mask for of, _, mask in masks(sliced, features) if of == feature]
        assert np.sum(members, axis=0).tolist() == [1] * 35


def test_a_band_of_one_whole_number_is_named_after_it(heart: ModelSpec) -> None:
    spec = replace(heart, slices={"FastingBS": (1,)})

    assert [name for _, name, _ in masks(spec, pd.DataFrame({"FastingBS": [0, 1]}))] == ["FastingBS = 0", "FastingBS = 1"]


@pytest.mark.parametrize("slices", [{"shape": ()}, {"wanted": ()}, {"size": ()}, {"size": (20, 10)}, {"size": (10, 10)}, {"colour": (1,)}])
def test_slices_of_no_feature_or_without_rising_edges_are_refused(toy: ModelSpec, slices: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(SpecError, match=rf"toy: slices\['{next(iter(slices))}'\].*ascending edges of a numeric feature, or \(\)"):
        replace(toy, slices=slices)
