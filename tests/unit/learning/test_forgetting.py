"""How much older rows count: as the model's file says, or as the rows show."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from slipway.learning.forgetting import ALIKE, OLD, Memory, choose_memory, count
from slipway.learning.joining import AnsweredRow, AnsweredRows
from slipway.training.splitting import Rows
from tests.unit.learning.conftest import at


def drawn(count, turned, seed):
    """Toys that are wanted if they are heavy, or, where it is turned, if they are light; one in ten otherwise."""
    generator = np.random.default_rng(seed)
    weight = generator.uniform(0, 5, count)
    wanted = (weight > 2.5) ^ turned ^ (generator.random(count) < 0.1)
    rows = pd.DataFrame({"size": generator.integers(0, 100, count), "weight": weight, "colour": generator.choice(["red", "blue"], count)})
    return rows, wanted.astype(int).tolist()


def of_log(*parts):
    features = pd.concat([rows for rows, _ in parts], ignore_index=True)
    outcomes = [outcome for _, given in parts for outcome in given]
    return AnsweredRows(
        features, [AnsweredRow(one, 1, 0.5, at(second), at(second), "key:clinic", 1) for second, one in enumerate(outcomes)]
    )


@pytest.fixture
def data_set():
    rows, labels = drawn(400, False, 1)
    return Rows(rows, pd.Series(labels, name="wanted"), rows[:0], pd.Series([], name="wanted", dtype=int))


def test_where_the_rows_stay_as_they_were_all_count_alike(learning_toy, data_set):
    ours = of_log(drawn(400, False, 2))

    assert choose_memory(learning_toy, data_set, ours) == ALIKE
    assert count(learning_toy, learning_toy.learns, data_set, ours, at(1_000)).weights is None


def test_after_a_sudden_change_only_the_rows_since_count(learning_toy, data_set):
    """The newest 500 of the log follow the new rule, and its first 300 the old one."""
    found = count(learning_toy, learning_toy.learns, data_set, of_log(drawn(300, False, 2), drawn(500, True, 3)), at(1_000))

    assert found.memory == Memory(newest=500)
    assert found.weights.mean() == pytest.approx(1)
    # 400 rows of the data set and 300 of the log are older: together they weigh half of the 500
    assert found.weights[:700].sum() / found.weights[700:].sum() == pytest.approx(OLD)
    assert np.allclose(found.weights[:700], found.weights[0])


def test_a_change_since_the_rows_of_the_data_set_is_found(learning_toy, data_set):
    assert choose_memory(learning_toy, data_set, of_log(drawn(180, True, 3))) == Memory(newest=180)


def test_a_change_in_the_newest_rows_is_found_however_much_came_before(learning_toy, data_set):
    ours = of_log(drawn(3_000, False, 2), drawn(300, True, 3))

    assert choose_memory(learning_toy, data_set, ours).newest in (250, 500)


def test_a_few_rows_decide_nothing(learning_toy, data_set):
    assert choose_memory(learning_toy, data_set, of_log(drawn(99, True, 2))) == ALIKE


def test_the_model_file_can_say_it(learning_toy, data_set):
    learns, ours = replace(learning_toy.learns, weight=2.0, half_life=1.0), of_log(drawn(10, True, 2))

    found = count(learning_toy, learns, data_set, ours, at(0) + timedelta(days=2))

    assert found.weights.mean() == pytest.approx(1)
    assert found.weights[400] / found.weights[0] == pytest.approx(2 * 0.25)  # two half-lives old
    assert count(learning_toy, replace(learns, weight=1.0, half_life=None), data_set, ours, at(0)).weights is None
