"""The rows of the earlier runs of a model, as MLflow has recorded them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.records import LearntRows
from slipway.spec import ModelSpec

if TYPE_CHECKING:
    from mlflow import MlflowClient

PAGE = 1000  # runs a request
LEARNT = "slipway.learnt"  # the tag of a run that learnt from the log: its LearntRows
STUDY = "slipway.study"  # the tag with the name of its study


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


@dataclass(frozen=True, slots=True)
class RecordedLearning:
    """The checksum of the rows of a release with those of the log, what it learnt from there, and the rows of its data set."""

    sha256: str
    record: LearntRows
    rows: RecordedRows


def learnt_rows(client: MlflowClient, spec: ModelSpec, digits: str) -> RecordedLearning | None:
    """Return what the newest release whose checksum begins with these digits learnt from the log; None if it did not."""
    experiment = client.get_experiment_by_name(spec.name)
    if experiment is None or set(digits) - set("0123456789abcdef"):
        return None
    wanted = f"tags.`slipway.model` = '{spec.name}' AND tags.`slipway.data_sha256` LIKE '{digits}%'"
    for run in client.search_runs([experiment.experiment_id], wanted, max_results=1, order_by=["start_time DESC"]):
        tags = run.data.tags
        if found := _learnt(tags):
            rows = RecordedRows(found.rows_sha256, tags.get("slipway.data_origin", ""), tags.get("slipway.sample") == "true")
            return RecordedLearning(tags["slipway.data_sha256"], found, rows)
    return None


def learnt_rows_of(client: MlflowClient, run_id: str) -> LearntRows | None:
    """Return what a run learnt from the log; None if it did not, or if MLflow has lost the run."""
    return _learnt(_tags(client, run_id))


def study_of(client: MlflowClient, run_id: str) -> str | None:
    """Return the name of a run's study; None if an earlier Slipway made it, or if MLflow has lost the run."""
    return _tags(client, run_id).get(STUDY)


def _tags(client: MlflowClient, run_id: str) -> dict[str, str]:
    from mlflow.exceptions import MlflowException

    try:
        tags: dict[str, str] = client.get_run(run_id).data.tags
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return {}
        raise
    return tags


def _learnt(tags: dict[str, str]) -> LearntRows | None:
    return LearntRows.model_validate_json(tags[LEARNT]) if LEARNT in tags else None


def learnt_tag(learnt: LearntRows | None) -> dict[str, str]:
    """Return the tag that says what a run learnt from the log; its tables of coverage, which may be long, are in the run's card."""
    return {LEARNT: learnt.model_copy(update={"coverage": []}).model_dump_json()} if learnt else {}
