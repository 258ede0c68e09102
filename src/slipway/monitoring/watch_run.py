"""The watch in MLflow: one run for each version in service, with its figures by window and Evidently's reports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.bundle.contract import Contract
from slipway.monitoring.findings import Window
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import runs

if TYPE_CHECKING:
    from mlflow import MlflowClient

REPORTS = "reports"
WATCHED = "slipway.watched_run"  # the tag with the id of the run that made the watched version


def log(
    client: MlflowClient, spec: ModelSpec, contract: Contract, windows: Sequence[Window], reports: Mapping[int, Path], settings: Settings
) -> str:
    """Log the figures of windows, with the window's number as the step, and the reports by the window's number. Safe to repeat.

    Returns:
        The id of the run, in the experiment `<model>-watch`.
    """
    from mlflow.entities import Metric

    run_id = _run(client, spec, contract, settings)
    for window in windows:
        at = round(window.last.timestamp() * 1000)
        client.log_batch(run_id, metrics=[Metric(name, value, at, window.number) for name, value in _figures(window)])
    for number, path in reports.items():
        client.log_artifact(run_id, str(path), f"{REPORTS}/window-{number:04d}")
    return run_id


def _figures(window: Window) -> Iterator[tuple[str, float]]:
    yield f"{window.kind}/rows", window.rows
    yield f"{window.kind}/bad", float(window.bad)
    if window.drift:
        for found in window.drift.all:
            yield f"distance/{_allowed(found.column)}", found.distance
    if window.performance:
        for name, value in window.performance.metrics.items():
            yield f"outcomes/{name}", value
        yield f"outcomes/{window.performance.metric}-low", window.performance.low
        yield f"outcomes/{window.performance.metric}-high", window.performance.high


def _allowed(name: str) -> str:
    """Return a column's name with only the characters that MLflow allows in the name of a metric."""
    return re.sub(r"[^\w\-. /]", "_", name)


def _run(client: MlflowClient, spec: ModelSpec, contract: Contract, settings: Settings) -> str:
    experiment = runs.experiment(client, f"{spec.name}-watch", settings)
    found = client.search_runs([experiment], f"tags.`{WATCHED}` = '{contract.run_id}'", max_results=1)
    if found:
        return str(found[0].info.run_id)
    name = f"watch-{spec.name}-v{contract.version}"
    made = client.create_run(experiment, run_name=name, tags={WATCHED: contract.run_id, "slipway.version": str(contract.version)})
    client.set_terminated(made.info.run_id)  # figures are added for as long as the version is in service
    return str(made.info.run_id)
