"""Which version a rollback goes back to."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from slipway.lifecycle import rollback
from slipway.lifecycle.rollback import Target
from slipway.settings import Settings
from slipway.spec import ModelSpec
from tasks.patience import FOR_MLFLOW, MINUTE


@task(task_run_name="choose-version-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=5 * MINUTE, **FOR_MLFLOW)
def choose_version(spec: ModelSpec, settings: Settings, to: int | None) -> Target:
    """Find the version to go back to, and everything against it, before anything is moved; see `slipway.lifecycle.rollback`."""
    return rollback.plan(spec, settings, to)
