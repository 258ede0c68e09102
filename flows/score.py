"""A file of rows into a file of predictions, by the version that is in service."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from prefect import flow
from prefect.client.schemas import State
from prefect.states import Completed
from pydantic import Field

from flows.mistakes import declines
from flows.parameters import ModelName
from slipway.catalogue import served
from slipway.errors import DatasetNotFoundError, InvalidRowsError
from slipway.scoring.job import CHUNK, job
from slipway.scoring.workspace import workspace
from slipway.settings import Settings
from tasks.scoring import fetch_rows, report_scores, score_rows


@flow(name="score", flow_run_name="score-{name}", result_serializer="json")
@declines(DatasetNotFoundError, InvalidRowsError)
def score(
    name: ModelName,
    source: str,
    destination: str | None = None,
    through: Literal["bundle", "endpoint"] = "bundle",
    keep: list[str] | None = None,
    subject: str | None = None,
    chunk: Annotated[int, Field(ge=1, le=1_000_000)] = CHUNK,
) -> State[Any]:
    """Score the rows of a CSV or Parquet file: fetch it, check every row, and write the predictions and the rejected rows.

    Args:
        name: The model's name in the catalogue, such as heart-failure.
        source: The file: a path on the worker's machine, or an http(s) address. It is recorded, so it must hold no lasting secret.
        destination: Where the predictions go, .csv or .parquet; if left out, beside a source that is a path, as NAME.predictions.csv.
            The rejected rows, with the reasons, go beside it, as DESTINATION.rejected.csv.
        through: `bundle` predicts in the process of the run, which is quick; `endpoint` asks the gateway, which logs each answer.
        keep: Columns to copy beside the predictions; if left out, those that the model does not take, such as an id.
        subject: The column with the person that a row is about, for the endpoint's audit log; the model never sees it.
        chunk: Rows in memory at a time. The predictions are the same with any number.
    """
    spec, settings = served(name), Settings.load()
    wanted = job(name, source, destination, through, keep, chunk, subject)
    with workspace(wanted, settings) as folder:
        rows = fetch_rows(wanted, folder)
        scored = score_rows(spec, wanted, rows, folder, settings)
    report_scores(scored)
    return Completed(name="Scored", message=f"{scored.scored:,} rows scored, {scored.rejected:,} rejected", data=scored)
