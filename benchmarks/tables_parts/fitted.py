"""A draft that is fitted in this process as a release fits it, without a platform and an endpoint."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from slipway.data import fetching, typed_rows
from slipway.data.validation import validate
from slipway.spec import CSV
from slipway.training.pipelines import build
from slipway.training.search.tuning import tune
from slipway.training.splitting import split

if TYPE_CHECKING:
    from slipway.spec import ModelSpec

    from .made import TableMade


def answers(file: Path, table: TableMade, trials: int | None, folder: Path) -> tuple[pd.DataFrame, pd.Series[Any], int]:
    """Tune and fit the model of a file, and return its answers to the held-out rows, their outcomes, and how many rows it refuses."""
    spec: ModelSpec = runpy.run_path(str(file))["MODEL"]
    snapshot = fetching.fetch(spec, None, folder / "snapshots")
    rows = split(spec, typed_rows.read(spec, snapshot))
    tuned = tune(spec, rows, snapshot.sha256, trials or spec.trials, folder / "studies")
    model = spec.problem.wrapped(build(spec, tuned.parameters), tuned.threshold).fit(rows.train, rows.train_labels)
    taken = _within(spec, table.held_out)
    taken.to_csv(folder / "held_out.csv", index=False, **table.options)
    asked = validate(spec, folder / "held_out.csv", spec.dataset.table if isinstance(spec.dataset.table, CSV) else CSV())
    features, outcomes = asked[spec.columns.names], taken[table.target].reset_index(drop=True)
    refused = len(table.held_out) - len(taken)
    if table.measure == "share of the error":
        return pd.DataFrame({"prediction": model.predict(features)}), outcomes, refused
    return pd.DataFrame(model.predict_proba(features), columns=model.classes_), outcomes, refused


def _within(spec: ModelSpec, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose numbers are in the declared ranges, outcomes among them."""
    fit = pd.Series(True, rows.index)
    for name, kind in [*spec.columns.numeric.items(), (spec.columns.target.name, spec.columns.target)]:
        for limit, outside in ((getattr(kind, "low", None), rows[name].lt), (getattr(kind, "high", None), rows[name].gt)):
            if limit is not None and pd.api.types.is_numeric_dtype(rows[name]):
                fit &= ~outside(limit)
    return rows[fit]
