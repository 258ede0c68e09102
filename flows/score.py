"""A file of rows into a file of predictions, by the version that is in service."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from prefect import flow
from prefect.client.schemas import State
from prefect.states import Completed
from pydantic import Field

from flows.parameters import ModelName
from slipway.catalogue import served
from slipway.scoring.job import CHUNK, job
from slipway.scoring.workspace import workspace
from slipway.settings import Settings
from tasks.scoring import fetch_rows, report_scores, score_rows


@flow(name="score", flow_run_name="score-{name}", result_serializer="json")
def score(
    name: ModelName,
    source: str,
    destination: str | None = None,
    through: Literal["bundle", "endpoint"] = "bundle",
    keep: list[str] | None = None,
    subject: str | None = None,
    chunk: Annotated[int, Field(ge=1, le=1_000_000)] = CHUNK,
) -> State[Any]:
    """Score the rows of a CSV or Parquet file: fetch them, check and answer each, write predictions and what was wrong with the others.

    Args:
        name: The model's name in the catalogue, such as heart-failure.
        source: The file: a path on the worker's machine, or an http(s) address. It is recorded: sign no address with a lasting secret.
        destination: Where the predictions go, .csv or .parquet; if left out, beside a source that is a path, as NAME.predictions.csv.
            What was wrong with the other rows goes beside it, as DESTINATION.rejected.csv.
        through: The version's bundle in the run's own process, which is quick; or the endpoint, which logs each answer.
        keep: Columns to copy beside the answers; if left out, those that the model does not take, such as an id.
        subject: The column that says of whom a row is, for the endpoint's audit log; the model never sees it.
        chunk: Rows that are worked on at a time; the answers are the same, memory grows with it.
    """
    spec, settings = served(name), Settings.load()
    asked = job(name, source, destination, through, keep, chunk, subject)
    with workspace(asked, settings) as folder:
        rows = fetch_rows(asked, folder)
        scored = score_rows(spec, asked, rows, folder, settings)
    report_scores(scored)
    return Completed(name="Scored", message=f"{scored.scored:,} rows scored, {scored.rejected:,} rejected", data=scored)
