"""Versions and runs that an unfinished registration left in MLflow, and their removal.

One request creates a version with the tag `UNFINISHED`; the tag is removed when the version is the candidate. So the tag marks a version
whose release was killed, or whose release got no answer and asked again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from slipway.spec import ModelSpec

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)

UNFINISHED = "slipway.unfinished"
MODEL_TAG = "slipway.model"


def run_name(spec: ModelSpec) -> str:
    """Return the name of the MLflow runs that releases of a model make."""
    return f"release-{spec.name}"


def clear_up(client: MlflowClient, spec: ModelSpec) -> None:
    """Delete versions that never became the candidate, and close their runs. Safe to repeat.

    The caller holds the model's lock, so no other process works on them.
    """
    name = spec.registered_as
    for version in client.search_model_versions(f"name = '{name}' and tag.`{UNFINISHED}` = 'true'"):
        client.delete_model_version(name, version.version)
        logger.warning("%s: deleted version %s, whose registration did not end", spec.name, version.version)
    experiment = client.get_experiment_by_name(spec.name)
    if experiment is None or experiment.lifecycle_stage == "deleted":
        return
    abandoned = f"attributes.status = 'RUNNING' and attributes.run_name = '{run_name(spec)}' and tags.`{MODEL_TAG}` = '{spec.name}'"
    for run in client.search_runs([experiment.experiment_id], abandoned):
        client.set_terminated(run.info.run_id, status="KILLED")
        logger.warning("%s: closed run %s, which did not end", spec.name, run.info.run_id)
