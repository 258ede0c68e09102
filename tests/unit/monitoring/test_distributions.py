"""How a column is spread, then and now: shares that sum to 1, whatever the window has that the training rows have not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from slipway.monitoring.distributions import BINS, REST, VALUES, shares
from slipway.monitoring.drift.columns import Compared
from slipway.spec.watch import Drift


def compared(reference: list, current: list, *, categories: bool) -> Compared:
    kind = str if categories else "float64"
    return Compared("column", categories, pd.Series(reference).astype(kind), pd.Series(current).astype(kind), Drift())


def test_numbers_are_counted_in_equal_spans_and_those_beyond_in_the_outermost():
    generator = np.random.default_rng(1)
    (found,) = shares([compared(generator.normal(0, 1, 2_000).tolist(), [*generator.normal(1, 1, 500), 1e9], categories=False)])

    assert len(found.labels) == len(found.then) == len(found.now) == BINS
    assert sum(found.then) == pytest.approx(1)
    assert sum(found.now) == pytest.approx(1)
    assert found.now[-1] > found.then[-1]
    mean = sum(place * share for place, share in enumerate(found.now)) - sum(place * share for place, share in enumerate(found.then))
    assert mean > 1  # spans: the window is a standard deviation higher


def test_values_come_by_their_frequency_with_one_name_for_the_rest():
    values = [str(number) for number in range(VALUES + 3)]
    (found,) = shares([compared(["a"] * 50 + values, ["new"] * 40 + values, categories=True)])

    assert found.labels[:2] == ["a", "new"] or found.labels[:2] == ["new", "a"]
    assert found.labels[-1] == REST
    assert len(found.labels) == VALUES + 1
    assert found.then[found.labels.index("new")] == 0
    assert (sum(found.then), sum(found.now)) == (pytest.approx(1), pytest.approx(1))


def test_a_column_of_one_number_and_one_of_few_values_have_no_rest():
    number, category = shares([compared([3, 3], [3], categories=False), compared(["F", "M", "M", "M"], ["F"], categories=True)])

    assert (sum(number.then), sum(number.now)) == (1, 1)
    assert (category.labels, category.then, category.now) == (["M", "F"], [0.75, 0.25], [0.0, 1.0]) or category.labels == ["F", "M"]


def test_a_column_without_cells_is_left_out():
    assert shares([compared([], [1.0], categories=False), compared(["a"], [], categories=True)]) == []
