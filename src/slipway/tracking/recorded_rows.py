"""The rows of the earlier runs of a model, as MLflow has recorded them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.spec import ModelSpec

if TYPE_CHECKING:
    from mlflow import MlflowClient

PAGE = 1000  # runs a request


@dataclass(frozen=True, slots=True)
class RecordedRows:
    """The rows of one run or more: their whole checksum, their origin, and whether they were generated."""

    sha256: str
    origin: str
    sample: bool


def recorded_rows(client: MlflowClient, spec: ModelSpec, digits: str = "") -> list[RecordedRows]:
    """Return each different record of rows whose checksum begins with these digits, that of the newest run first."""
    experiment = client.get_experiment_by_name(spec.name)
    if experiment is None:
        return []
    wanted = f"tags.`slipway.model` = '{spec.name}' AND tags.`slipway.data_sha256` LIKE '{digits}%'"
    found: dict[RecordedRows, None] = {}
    after = None
    while True:
        page = client.search_runs([experiment.experiment_id], wanted, max_results=PAGE, order_by=["start_time DESC"], page_token=after)
        for run in page:
            tags = run.data.tags
            if origin := tags.get("slipway.data_origin"):  # a person may have removed it
                found[RecordedRows(tags["slipway.data_sha256"], origin, tags.get("slipway.sample") == "true")] = None
        after = page.token
        if not after:
            return list(found)
