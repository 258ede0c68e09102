"""A log with answered rows of the toy, and outcomes that come at chosen times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pandas as pd
import pytest

from slipway.audit import Place
from slipway.audit.databases.tables import OUTCOMES
from slipway.audit.lines import iso
from slipway.audit.places import opened
from slipway.bundle.compiling import contract_columns
from slipway.spec import ModelSpec, Outcomes
from slipway.training.splitting import Rows

NOW, DAY = 1_700_000_000.0, 86_400.0  # the rows are answered and their outcomes come around this time


def at(time: float) -> datetime:
    return datetime.fromtimestamp(time, UTC)


@pytest.fixture
def learning_toy(toy: ModelSpec) -> ModelSpec:
    return replace(toy, learns=Outcomes(enough=1, coverage=0.0))


@pytest.fixture
def data_rows() -> Rows:
    """The rows of the toy's data set: none of them is one of the log's, whose weight is above 1."""
    train = pd.DataFrame({"size": range(20), "weight": [0.5] * 20, "colour": ["red", "blue"] * 10})
    test = pd.DataFrame({"size": range(20, 30), "weight": [0.5] * 10, "colour": ["red", "blue"] * 5})
    return Rows(train, pd.Series([0, 1] * 10, name="wanted"), test, pd.Series([0, 1] * 5, name="wanted"))


@pytest.fixture
def answers(toy: ModelSpec, open_log: Any, answered: Any, record: Any, place: Place) -> Callable[..., list[str]]:
    """Log answers to toys of these sizes at a time, and return their ids."""
    log = open_log(place)
    columns = contract_columns(toy)

    def run(sizes: list[int], time: float = NOW, *, labels: Any = None, version: int = 1, **changes: Any) -> list[str]:
        cells = {"size": sizes, "weight": [1.5] * len(sizes), "colour": ["red"] * len(sizes)}
        entry = answered(labels or [1] * len(sizes), time=time, columns=changes.pop("columns", cells), **changes)
        entry = replace(entry, contract=msgspec.structs.replace(entry.contract, columns=tuple(columns), version=version))
        record(log, entry)
        return [f"{entry.request_id}-{row}" for row in range(len(sizes))]

    return run


@pytest.fixture
def outcomes(place: Place) -> Callable[..., None]:
    """Record outcomes of predictions, all at a time."""

    def run(ids: list[str], labels: Any, time: float = NOW + DAY, caller: str = "key:clinic") -> None:
        lines = [(iso(time), "r", caller, "toy", name, label, None) for name, label in zip(ids, labels, strict=True)]
        with opened(place) as store, store.transaction("outcomes"):
            store.insert({OUTCOMES: lines})

    return run
