"""Rows: from their address to a checked file."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from slipway.data import fetching, samples, validation
from slipway.records import Snapshot
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.training.splitting import Rows, split
from tasks.patience import FOR_ORIGIN, MINUTE


@task(task_run_name="fetch-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=15 * MINUTE, **FOR_ORIGIN)
def fetch(spec: ModelSpec, settings: Settings, sample: bool = False) -> Snapshot:
    """Download, verify and store the rows, or generate sample rows; see `slipway.data`."""
    if sample:
        return samples.generate(spec, settings.snapshots)
    return fetching.fetch(spec, settings.mirror, settings.snapshots)


@task(task_run_name="validate-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=15 * MINUTE)
def validate(spec: ModelSpec, snapshot: Snapshot) -> Rows:
    """Refuse rows that break the model's columns, and set the test rows apart."""
    return split(spec, validation.validate(spec, snapshot.path))
