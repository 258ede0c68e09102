"""Rows: from their address to a checked file."""

from __future__ import annotations

from functools import partial

from prefect import task
from prefect.cache_policies import NO_CACHE

from slipway.data import fetching, recalling, samples, typed_rows
from slipway.errors import DeclinedError
from slipway.records import Snapshot
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking.connection import connect
from slipway.tracking.recorded_rows import recorded_rows
from slipway.training.splitting import Rows, split
from tasks.patience import FOR_ORIGIN, MINUTE


@task(task_run_name="fetch-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=15 * MINUTE, **FOR_ORIGIN)
def fetch(spec: ModelSpec, settings: Settings, sample: bool = False, snapshot: str | None = None) -> Snapshot:
    """Download, verify and store the rows, generate sample rows, or take those of an earlier run; see `slipway.data`."""
    if snapshot is not None and sample:
        raise DeclinedError(
            f"{spec.name}: the record of a snapshot says whether its rows are sample rows; leave out `sample`, or `snapshot`."
        )
    if snapshot is not None:
        recorded = partial(recorded_rows, connect(settings), spec)
        return recalling.recall(spec, snapshot, recorded, settings.mirror, settings.snapshots, settings.sql_login)
    if sample:
        return samples.generate(spec, settings.snapshots)
    return fetching.fetch(spec, settings.mirror, settings.snapshots, settings.sql_login)


@task(task_run_name="validate-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=15 * MINUTE)
def validate(spec: ModelSpec, snapshot: Snapshot) -> Rows:
    """Refuse rows that break the model's columns, and split off the test rows."""
    return split(spec, typed_rows.read(spec, snapshot))
