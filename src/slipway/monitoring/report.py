"""Evidently's report of a window: one HTML file that needs nothing from the network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import pandas as pd

from slipway.monitoring.drift import methods
from slipway.monitoring.drift.columns import Compared
from slipway.monitoring.drift.drift import Reference, compared
from slipway.monitoring.findings import DriftFinding
from slipway.problems.serving import Answer
from slipway.spec import ModelSpec


def report(
    spec: ModelSpec, reference: Reference, features: pd.DataFrame, labels: Sequence[Answer], finding: DriftFinding, path: Path
) -> None:
    """Write the report of a window: the finding in words, each column beside the training rows, and its statistics.

    Args:
        features, labels, finding: As `slipway.monitoring.drift.drift.find` takes and returns them.
        path: The file to write, 4 to 5 MB.
    """
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset, ValueStats

    columns = compared(spec, reference, features, labels)
    definition = DataDefinition(
        numerical_columns=[column.name for column in columns if not column.categories],
        categorical_columns=[column.name for column in columns if column.categories],
    )
    drift = DataDriftPreset(
        columns=[column.name for column in columns],
        per_column_method={
            column.name: methods.together(column.distance, column.test, judged.significance, column.categories)
            for column, judged in zip(columns, finding.all, strict=True)
        },
        per_column_threshold={column.name: column.threshold for column in columns},
        drift_share=1 / len(columns),
    )
    served = Dataset.from_pandas(pd.DataFrame({column.name: column.current for column in columns}), data_definition=definition)
    learnt = Dataset.from_pandas(_reference(columns), data_definition=definition)
    snapshot = Report([drift, *[ValueStats(column=column.name) for column in columns]]).run(served, learnt)
    snapshot.save_html(str(path))
    page = path.read_text(encoding="utf-8").replace("<body>", f"<body>{_head(spec, finding, len(features), len(reference.training))}", 1)
    path.write_text(page, encoding="utf-8")


def _reference(columns: Sequence[Compared]) -> pd.DataFrame:
    """Return one frame of columns of different length: the labels are of the test rows, the features of the training rows."""
    return pd.DataFrame({column.name: column.reference for column in columns})


def _head(spec: ModelSpec, finding: DriftFinding, rows: int, training: int) -> str:
    lines = [
        f"{found.column} has drifted: {found.distance_by} {found.distance:.3f} >= {found.threshold:g}, "
        f"{found.test} p = {found.p_value:.1e} <= {found.significance:.1e}"
        for found in finding.all
        if found.drifted
    ] or ["No column has drifted."]
    lines += [f"{name}: served, but not among the training rows: {', '.join(values)}" for name, values in finding.new.items()]
    lines += [f"{name}: among the training rows, but not served: {', '.join(values)}" for name, values in finding.absent.items()]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return (
        '<header style="font-family: sans-serif; margin: 1.5em 2em">'
        f"<h1>{escape(spec.name)}: {rows:,} served rows beside {training:,} training rows</h1><ul>{items}</ul>"
        "<p>Current: the served rows. Reference: the training rows; for the predicted labels the test rows, because the model has not "
        "learnt from them. Those are fewer, so the other cells of that column are empty.</p></header>"
    )
