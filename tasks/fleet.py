"""What the run page shows of several releases."""

from __future__ import annotations

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from slipway.records import Fleet


@task(task_run_name="report-fleet", cache_policy=NO_CACHE)
def report_fleet(fleet: Fleet) -> None:
    """Show how each release ended, as a table."""
    create_table_artifact([entry.model_dump() for entry in fleet.entries], key="fleet", description="How each model's release ended")
