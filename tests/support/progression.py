"""A regression on rows that scikit-learn ships: how far diabetes has progressed after a year, 442 patients."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd
from optuna.distributions import FloatDistribution
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from slipway.records import Snapshot
from slipway.spec import Card, Columns, Dataset, Gate, ModelSpec, Numeric, Quantity, Split

PROGRESSION = Quantity("target", "points", "Progression after one year", low=0, high=400)
UNITS = {"age": "years", "sex": "code", "bmi": "kg/m2", "bp": "mmHg"} | {f"s{number}": "mg/dl" for number in range(1, 7)}


def patients() -> pd.DataFrame:
    """The rows in their own units."""
    rows: pd.DataFrame = load_diabetes(as_frame=True, scaled=False).frame
    return rows


def progression(folder: Path, rows: pd.DataFrame | None = None, **changes: Any) -> ModelSpec:
    """The model, whose rows are written as CSV into a folder."""
    content = (patients() if rows is None else rows).to_csv(index=False).encode()
    path = folder / "progression.csv"
    path.write_bytes(content)
    declared = {
        "name": "progression",
        "registered_as": "progression_ridge",
        "description": "How far diabetes progresses within a year.",
        "dataset": Dataset(origin=str(path), sha256=hashlib.sha256(content).hexdigest(), file=path.name),
        "columns": Columns(
            features={name: Numeric(0, 1000, unit, name, integer=name in ("age", "sex"), nominal=False) for name, unit in UNITS.items()},
            target=PROGRESSION,
        ),
        "split": Split(test=0.25, seed=3, stratify=False),
        "estimator": Ridge(),
        "search_space": {"alpha": FloatDistribution(1e-2, 1e2, log=True)},
        "metric": "mean_absolute_error",
        "gate": Gate(floor=50.0, tolerance=1.0, slice_tolerance=5.0),
        "slices": {"age": (40.0, 60.0)},
        "card": Card("Planning visits.", "Deciding on a treatment."),
        "port": 8998,
        "trials": 3,
    }
    return ModelSpec(**(declared | changes))


def snapshot_of(spec: ModelSpec) -> Snapshot:
    """The rows of a spec, as if they were fetched."""
    path = Path(spec.dataset.origin)
    rows = len(pd.read_csv(path))
    return Snapshot(model=spec.name, path=path, sha256=spec.dataset.sha256, rows=rows, origin=spec.dataset.origin, sample=False)
