"""Cells that spell numbers become exactly those numbers."""

from __future__ import annotations

import math
import random

import pandas as pd
import pytest

from slipway.data.tables.numbers import numbers


def test_every_digit_counts() -> None:
    draw = random.Random(7)
    expected = [draw.gauss(0, 1) * 10.0 ** draw.randint(-30, 30) for _ in range(10_000)]

    assert numbers(pd.Series([repr(value) for value in expected], dtype="str")).tolist() == expected


@pytest.mark.parametrize(
    ("cell", "number"), [(" 5 ", 5.0), ("+5", 5.0), (".5", 0.5), ("5.", 5.0), ("1E5", 1e5), ("-inf", -math.inf), ("Infinity", math.inf)]
)
def test_a_cell_beside_one_that_is_no_number_is_read_as_when_it_is_alone(cell: str, number: float) -> None:
    assert numbers(pd.Series([cell], dtype="str")).tolist() == [number]
    assert numbers(pd.Series([cell, "ten"], dtype="str")).tolist()[0] == number


@pytest.mark.parametrize("cell", ["", " ", "ten", "nan", "1_000", "0x10", "1,5", "1 000", "5f", "--5", "1e", "True"])
def test_a_cell_that_spells_no_number_is_nan(cell: str) -> None:
    assert numbers(pd.Series([cell, "1"], dtype="str")).isna().tolist() == [True, False]
