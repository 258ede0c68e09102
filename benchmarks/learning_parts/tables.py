"""The rows of each model: a part is its pinned data set, and the stream is drawn from the rest. No row is in both."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import make_friedman1
from sklearn.linear_model import Ridge

from slipway.catalogue import lookup
from slipway.data import fetching, samples, validation
from slipway.monitoring.simulation.drawing import DriftKind, Stream, simulate
from slipway.spec import Card, Columns, Dataset, Gate, ModelSpec, Numeric, Outcomes, Quantity, Split, Watch
from slipway.training.splitting import Rows, split

# fixed, so that what is measured is the loop and not the search; the seconds are measured with the search
PARAMETERS: dict[str, dict[str, Any]] = {
    "heart-failure": {"C": 0.05, "preparation.zeros": "impute"},
    "telecom-churn": {"n_estimators": 100, "criterion": "gini", "max_features": 6, "min_samples_leaf": 2, "class_weight": "balanced"},
    "diabetes": {"criterion": "gini", "max_depth": 12, "min_samples_leaf": 5, "max_features": 6},
    "friedman": {"alpha": 1.0},
}
PINNED = 0.4  # of the rows
MOST_PINNED = 5_000
ORACLE_ROWS = 3_000
MADE = 40_000


@dataclass(frozen=True, slots=True)
class Table:
    """A model with its pinned rows, split; the test rows of `pool` are the rest, which the stream is drawn from."""

    spec: ModelSpec
    rows: Rows
    pool: Rows
    sample: bool

    def stream(self, kind: DriftKind, count: int, size: float, seed: int, skip: int = 0) -> Stream:
        """Draw rows of a world: each once as long as there are enough; if there are not, each is moved a little every time.

        Args:
            seed: Of the order of all rows, too.
            skip: How many rows in that order another part of the course has had.
        """
        if kind == "label" or skip + count > len(self.pool.test):
            return simulate(self.spec, self.pool, kind, count, size=size, seed=seed + skip, fresh=True)
        at = np.random.default_rng(seed).permutation(len(self.pool.test))[skip : skip + count]
        part = replace(self.pool, test=self.pool.test.iloc[at], test_labels=self.pool.test_labels.iloc[at])
        return simulate(self.spec, part, kind, count, size=size, seed=seed, once=True)


def table(name: str, folder: Path) -> Table:
    """Read the rows of a model, the real ones where SLIPWAY_MIRROR is set, and divide them."""
    if name == "friedman":
        spec, rows, sample = _made()
    else:
        spec, mirror = lookup(name), os.environ.get("SLIPWAY_MIRROR")
        snapshot = fetching.fetch(spec, mirror, folder) if mirror else samples.generate(spec, folder)
        rows, sample = validation.validate(spec, snapshot.path), snapshot.sample
    rows = rows.sample(frac=1.0, random_state=1).reset_index(drop=True)
    pinned = min(round(PINNED * len(rows)), MOST_PINNED)
    ours, rest = split(spec, rows.iloc[:pinned].reset_index(drop=True)), rows.iloc[pinned:]
    pool = replace(ours, test=rest[spec.columns.names], test_labels=rest[spec.columns.target.name], test_weights=None)
    return Table(spec, ours, pool, sample)


def _made() -> tuple[ModelSpec, pd.DataFrame, bool]:
    """Return a regression on made rows (Friedman, The Annals of Statistics 19, 1991)."""
    features, outcome = make_friedman1(MADE, noise=1.0, random_state=0)
    names = [f"x{number}" for number in range(10)]
    spec = ModelSpec(
        name="friedman",
        registered_as="friedman",
        description="A made number.",
        dataset=Dataset(origin="made.csv", sha256="0" * 64, file="made.csv"),
        columns=Columns({name: Numeric(0, 1, "", name) for name in names}, Quantity("y", "points", "Made", low=-20, high=60)),
        split=Split(test=0.25, seed=3, stratify=False),
        estimator=Ridge(),
        search_space={},
        metric="mean_absolute_error",
        gate=Gate(floor=3.0, tolerance=0.05),
        card=Card("Measuring.", "Anything else."),
        port=8999,
        learns=Outcomes(fall=5.0),
        watch=Watch(),
    )
    return spec, pd.DataFrame(features, columns=names).assign(y=np.clip(outcome, -20, 60)), False
