"""A file of rows, and the predictions for it."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import cast
from uuid import UUID

from prefect import task
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE

from slipway.records import Scored
from slipway.scoring import obtaining, running
from slipway.scoring.job import Job
from slipway.scoring.running import Progress
from slipway.settings import Settings
from slipway.spec import ModelSpec
from tasks.patience import FOR_ORIGIN, HOUR

logger = logging.getLogger("slipway.tasks.scoring")

REPORT_EVERY = 5.0  # seconds between two lines of the log


@task(task_run_name="fetch-rows-{job.model}", cache_policy=NO_CACHE, timeout_seconds=HOUR, **FOR_ORIGIN)
def fetch_rows(job: Job, workspace: Path) -> Path:
    """Return the file with the rows. A source that is an address is downloaded; see `slipway.scoring.obtaining`."""
    return obtaining.obtain(job, workspace)


@task(task_run_name="score-rows-{job.model}", cache_policy=NO_CACHE)
def score_rows(spec: ModelSpec, job: Job, rows: Path, workspace: Path, settings: Settings) -> Scored:
    """Predict all rows, with the progress in the run page and in the log; see `slipway.scoring.running`."""
    # in synchronous code, Prefect returns the id itself
    bar = cast(UUID, create_progress_artifact(progress=0.0, key=f"scoring-{spec.name}", description=f"rows of {job.shown_source}"))
    reported_at = time.monotonic()

    def report(progress: Progress) -> None:
        nonlocal reported_at
        if time.monotonic() - reported_at >= REPORT_EVERY:
            reported_at = time.monotonic()
            logger.info("%s: %s", spec.name, _words(progress.rows, progress.rejected, progress.seconds))
            update_progress_artifact(bar, progress=100.0 * progress.share)

    scored = running.score(spec, job, rows, workspace, settings, report)
    update_progress_artifact(bar, progress=100.0)
    logger.info("%s: %s; written to %s", spec.name, _words(scored.rows, scored.rejected, scored.seconds), scored.destination)
    if scored.rejected_to:
        logger.warning("%s: %d rows break the contract; %s says why", spec.name, scored.rejected, scored.rejected_to)
    return scored


@task(task_run_name="report-scores-{scored.model}", cache_policy=NO_CACHE)
def report_scores(scored: Scored) -> None:
    """Show the results of the file, as a table."""
    lines = [{"what": name.replace("_", " "), "value": _cell(value)} for name, value in scored.model_dump(mode="json").items()]
    create_table_artifact(lines, key=f"scored-{scored.model}", description=f"{scored.model}: results of the file")


def _words(rows: int, rejected: int, seconds: float) -> str:
    return f"{rows:,} rows, {rows / seconds:,.0f} a second, {rejected:,} rejected"


def _cell(value: object) -> object:
    return ", ".join(f"{name}: {count:,}" for name, count in value.items()) if isinstance(value, dict) else value
